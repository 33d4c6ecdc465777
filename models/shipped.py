"""The weights that come with the program, by the SHA-256 of their files.

Written by ``python -m tools.train``: a file that does not have its hash is not loaded.
"""

SHIPPED: dict[str, str] = {
    "aami": "65b5ccafe5e8fd4a25435fdcfc41bfaf6cd2edfc0fa853b440a9fcdde276de7e",
    "cnn": "51e2afbae734ad2477fb8bc952dbec36fabbe4dcd9af6520697aa374b5e06e77",
    "kaggle5": "3fbc6be8596f63c93c65c06cb0908cc8b7d405cd01fd6029c2a416976c42ae64",
    "lstm": "79fe77d036390dc870e652e45e09715839a80550bc4381d2a1e937d304fb843e",
    "normal-abnormal": "133bb286d60588b171bbb0ab7a683bf7334a84a0b95a9e21c454169ed0eb6a89",
}
