"""Write the generated files of the repository: schemas, the picture of README."""
