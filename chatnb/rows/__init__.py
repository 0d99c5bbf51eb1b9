"""One question, many rows: a prompt with places for columns, asked side by side, each answer kept as soon as it is there.

`template` fills a prompt in, `table` reads rows and adds columns, `checkpoint` keeps answers in a file, `many` asks,
`each_row` puts these together, `partitions` does it on a Dask cluster, `files` reads and writes tables, `bar` shows how
far it is, and `over` is what users call.
"""
