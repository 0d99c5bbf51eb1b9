"""Arrays of numpy, tensors, and sparse matrices."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any

from .kinds import Describer, Kind, Lines
from .lookup import has, library, static
from .texts import clip, count, figure, type_name

_EXACT = 1_000_000
_SAMPLE = 100_000


def kind_of(value: object) -> Kind | None:
    """Return the kind of an array; a tensor is known by what it has, whoever made it."""
    cls = type(value)
    if issubclass(cls, library("numpy.ma", "MaskedArray")):
        return _masked
    if issubclass(cls, library("numpy", "ndarray")):
        return _array
    if issubclass(cls, library("numpy", "generic")):
        return _scalar
    if issubclass(cls, (*library("scipy.sparse", "sparray"), *library("scipy.sparse", "spmatrix"))):
        return _sparse
    return _tensor if has(value, "shape", "dtype", "device") else None


def _array(value: Any, describer: Describer) -> Lines:
    import numpy as np  # noqa: PLC0415 - it is imported: this is one of its arrays

    yield f"{_head(value)}"
    sample = sampled(value)
    about = "" if sample.size == value.size else f" (from a sample of {count(sample.size, 'element')})"
    if value.dtype.names:
        for name in islice(value.dtype.names, 20):
            yield f"  {name}: {value.dtype[name]}{', ' + _range(sample[name]) if sample.size else ''}"
    elif value.dtype.hasobject:
        types = sorted({type_name(type(one)) for one in sample.flat})
        yield f"of {', '.join(types[:5])}{about}"
    elif value.size and (found := _range(sample)):
        yield found + about
    if not value.size:
        return
    if value.dtype.hasobject or value.dtype.names or not value.ndim:
        corner = [one.item() if hasattr(one, "item") else one for one in islice(value.flat, 3)]
        yield f"first: {', '.join(describer.brief(one) for one in corner)}"
    else:
        yield np.array2string(value, threshold=50, edgeitems=2, precision=4, max_line_width=120)


def sampled(value: Any) -> Any:
    """Return every n-th element of a large array, along its longest axes; nothing is copied."""
    if value.size <= _EXACT:
        return value
    steps = [1] * value.ndim
    lengths = list(value.shape)
    while _product(lengths) > _SAMPLE:
        longest = max(range(value.ndim), key=lengths.__getitem__)
        steps[longest] *= 2
        lengths[longest] = -(-value.shape[longest] // steps[longest])
    return value[tuple(slice(None, None, step) for step in steps)]


def _masked(value: Any, _: Describer) -> Lines:
    import numpy as np  # noqa: PLC0415 - it is imported: this is one of its arrays

    sample = sampled(value)
    about = "" if sample.size == value.size else f" of a sample of {sample.size:,}"
    yield _head(value)
    yield f"{int(np.ma.getmaskarray(sample).sum()):,} masked{about}"
    if known := sample.compressed().size:
        yield f"the {known:,} others: {_range(sample.compressed())}"


def _scalar(value: Any, describer: Describer) -> Lines:
    yield f"{type_name(type(value))}: {describer.brief(value.item())}"


def _sparse(value: Any, _: Describer) -> Lines:
    size = _product(value.shape)
    share = f" ({value.nnz / size:.2%} of all)" if size else ""
    yield f"{type_name(type(value))}, shape {tuple(value.shape)}, {value.dtype}, {value.nnz:,} stored{share}"
    data = static(value, "data")
    if issubclass(type(data), library("numpy", "ndarray")) and data.size and not data.dtype.hasobject:
        yield f"stored values: {_range(sampled(data))}"


def _tensor(value: Any, describer: Describer) -> Lines:
    shape = tuple(describer.call(lambda: value.shape))
    yield f"{type_name(type(value))}, shape {describer.brief(shape)}, {describer.brief(value.dtype)}, on {clip(str(value.device), 40)}"
    if has(value, "requires_grad") and value.requires_grad:
        yield "requires_grad"
    # More would be computed, and on a device it would be waited for.
    if _product(shape) <= _EXACT:
        if has(value, "min", "max"):
            yield f"min {figure(float(value.min()))}, max {figure(float(value.max()))}"
        yield describer.brief(value.tolist() if has(value, "tolist") else value, describer.limit // 2)


def _head(value: Any) -> str:
    shape = "0-dimensional" if not value.ndim else f"shape {tuple(value.shape)}"
    return f"{type_name(type(value))}, {shape}, {clip(str(value.dtype), 100)}"


def _range(sample: Any) -> str:
    return ", ".join(_statistics(sample))


def _statistics(sample: Any) -> Iterator[str]:
    import numpy as np  # noqa: PLC0415 - it is imported: this is one of its arrays

    kind = sample.dtype.kind
    if kind == "b":
        yield f"{sample.mean():.0%} true"
    elif kind in "mM":
        missing = np.isnat(sample)
        if not missing.all():
            yield f"{np.nanmin(sample)} to {np.nanmax(sample)}"
        if missing.any():
            yield f"{int(missing.sum()):,} NaT"
    elif kind in "iuf":
        missing = np.isnan(sample) if kind == "f" else np.zeros((), dtype=bool)
        if not missing.all():
            low, high = float(np.nanmin(sample)), float(np.nanmax(sample))
            yield f"min {figure(low)}, mean {figure(float(np.nanmean(sample)))}, max {figure(high)}"
        if missing.any():
            yield f"{int(missing.sum()):,} NaN"


def _product(lengths: Any) -> int:
    size = 1
    for length in lengths:
        size *= int(length)
    return size
