"""The weights that come with the program, by the SHA-256 of their files.

Written by ``python -m tools.train``: a file that does not have its hash is not loaded.
"""

SHIPPED: dict[str, str] = {
    "aami": "bcbb99c47a72667f4814f74ee04365882e9029152331b340be1235b370609eca",
}
