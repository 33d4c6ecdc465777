"""What must not be lost, on disk before anybody is told of it.

``entries`` says what is kept and in what form (pure), ``schema`` and ``store`` are the SQLite file,
``writer`` is the thread that writes it, ``journal`` is what the service uses.
"""
