"""Annotate many records: in this process, in processes, or on a cluster.

Rules that hold here:

1. One function, :func:`monitor.archive.task.annotate_one`, does a record from its source to its
   results. An executor only decides where it runs, so all of them give the same files.
2. A record is finished when its marker (``NAME.done.json``) is there. The marker is written last,
   and says what the results were made of. A run leaves out what is finished and still the same.
3. What is wrong with one record is told, and the others go on.
"""
