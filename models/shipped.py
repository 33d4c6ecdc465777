"""The weights that come with the program, by the SHA-256 of their files.

Written by ``python -m tools.train``: a file that does not have its hash is not loaded.
"""

SHIPPED: dict[str, str] = {
    "aami": "b121657051ca4d412e84d6ac281a9babf43e1120bf51fd073f36584d3b1c2a6e",
}
