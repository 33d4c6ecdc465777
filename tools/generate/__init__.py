"""Write what the repository keeps but the program makes: schemas, the picture of README."""
