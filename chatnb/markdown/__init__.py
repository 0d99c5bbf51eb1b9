"""A model's Markdown: cut where it is finished, made whole where it is not, and made harmless, as Markdown or as HTML.

`items`, `fence_lines`, `fences` and `cuts` tell line by line what a text is made of; `drafts` completes what is half-written.
`safe` is for notebooks, which draw Markdown themselves; `html`, on `parts`, `elements`, `open_fence`, `formulas` and
`highlighting`, is for the panel and for export; `changes` say what of it is new. Nothing here knows the rest of chatnb.
"""
