"""What is known of modules, functions and magics: which reach files, the network, other programs, or anything.

Tables for touching.py. A dotted name stands for itself and all that is below it. What is not in them is not taken for
harmless: it is named as something of which nothing is known.
"""

from __future__ import annotations

import builtins
from collections.abc import Mapping


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


KNOWN: Mapping[str, frozenset[str]] = {
    "anything": _names(
        "exec eval compile __import__ globals locals vars __builtins__ builtins __loader__ __spec__ breakpoint exit quit"
        " importlib runpy ctypes cffi _ctypes code codeop marshal pickle dill cloudpickle joblib.load torch.load"
        " shelve yaml.load yaml.unsafe_load types.FunctionType types.CodeType types.MethodType inspect.currentframe"
        " inspect.stack sys.modules sys._getframe sys.settrace sys.setprofile sys.meta_path sys.path sys.exit gc atexit"
        " signal threading _thread concurrent asyncio.to_thread pdb zipimport pkgutil os._exit os.abort os.kill"
        " os.killpg os.environ os.putenv os.chdir os.dup2 mmap IPython timeit.timeit functools.reduce"
        " operator.attrgetter operator.methodcaller"
    ),
    "network": _names(
        "socket _socket ssl http urllib.request urllib3 requests httpx httpcore aiohttp ftplib smtplib imaplib poplib"
        " telnetlib nntplib xmlrpc socketserver websocket websockets paramiko boto3 botocore s3fs gcsfs fsspec azure"
        " google openai anthropic ollama chatnb huggingface_hub datasets transformers redis psycopg psycopg2 pymongo"
        " pymysql mysql asyncpg sqlalchemy kafka pika grpc zmq webbrowser selenium playwright wget gdown kaggle"
        " yfinance ddgs tornado twisted distributed asyncio.open_connection asyncio.start_server asyncio.create_server"
        " antigravity pip"
    ),
    "programs": _names(
        "subprocess _posixsubprocess multiprocessing pexpect ptyprocess pty sh plumbum fabric psutil os.system os.popen"
        " os.fork os.forkpty os.posix_spawn os.posix_spawnp os.startfile asyncio.create_subprocess_exec"
        " asyncio.create_subprocess_shell asyncio.subprocess posix nt os.execl os.execle os.execlp os.execlpe os.execv"
        " os.execve os.execvp os.execvpe os.spawnl os.spawnle os.spawnlp os.spawnlpe os.spawnv os.spawnve os.spawnvp"
        " os.spawnvpe"
    ),
    "writes": _names("shutil tempfile fileinput os.open os.truncate os.link os.symlink os.chmod os.chown"),
}
"""By attribute of `Touched`: the dotted names whose mention is enough."""

POWERFUL = _names(
    "os sys io pathlib pandas numpy open getattr setattr delattr operator types inspect functools asyncio"
)
"""Of these much is harmless: not if they are handed on, to be used where it does not show."""

OPENERS = _names(
    "open io.open codecs.open gzip.open bz2.open lzma.open tarfile.open zipfile.ZipFile tokenize.open os.fdopen"
    " io.FileIO Path.open"
)
"""Open a file with a mode as their second argument."""

FILES: Mapping[str, str] = {
    **dict.fromkeys(
        _names("os.remove os.unlink os.rename os.replace os.renames os.mkdir os.makedirs os.rmdir"), "writes"
    ),
    **dict.fromkeys(_names("os.removedirs os.utime sqlite3.connect duckdb.connect h5py.File"), "writes"),
    **dict.fromkeys(_names("numpy.save numpy.savez numpy.savez_compressed numpy.savetxt numpy.memmap"), "writes"),
    **dict.fromkeys(_names("os.listdir os.walk os.scandir os.stat os.path.exists glob.glob glob.iglob"), "reads"),
    **dict.fromkeys(_names("numpy.load numpy.loadtxt numpy.genfromtxt numpy.fromfile"), "reads"),
}
"""Functions that have a path as their first argument."""

_WRITING = _names(
    "write_text write_bytes unlink rmdir mkdir touch symlink_to hardlink_to chmod savefig save savez savetxt tofile"
    " extract extractall to_csv to_parquet to_excel to_json to_pickle to_hdf to_feather to_sql to_stata to_orc to_xml"
    " to_html to_latex to_markdown to_netcdf to_zarr save_pretrained save_model imsave imwrite write_image write_html"
)
_READING = _names("iterdir glob rglob imread scan_csv scan_parquet scan_ndjson scan_ipc open_dataset open_mfdataset")

PROGRAM_METHODS = _names("system popen Popen check_output check_call fork_exec")
"""Methods that start programs whatever they belong to."""

CHANGING = _names(
    "append extend insert pop popitem remove clear update setdefault add discard sort reverse appendleft extendleft"
    " popleft rotate intersection_update difference_update symmetric_difference_update fill put resize itemset"
    " drop_in_place insert_column set_index reset_index partial_fit fit load_state_dict"
)
"""Methods that change what they belong to."""

BY_NAME = _names("getattr setattr delattr")

PLAIN_DUNDERS = _names("__name__ __doc__ __version__ __file__ __init__ __len__ __repr__ __str__ __enter__ __exit__")

_STRONG = _names(
    "exec eval compile __import__ globals locals vars open getattr setattr delattr breakpoint exit quit input help"
    " __build_class__ memoryview"
)
PLAIN = frozenset(name for name in dir(builtins) if not name.startswith("_")) - _STRONG
"""Built-in functions and types that touch nothing but their arguments."""

PLAIN_MODULES = _names(
    "math cmath statistics itertools collections datetime decimal fractions string textwrap re random bisect heapq"
    " pathlib pathlib.Path pathlib.PurePath json.dumps json.loads copy.copy copy.deepcopy time.time time.perf_counter"
)
"""Modules and functions of the standard library that touch nothing but their arguments."""

MAGICS_OF_CODE = _names("time timeit prun capture python")
MAGICS_OF_PROGRAMS = _names("bash sh script sx system ruby perl pypy pip conda mamba uv sc alias rehashx")
PLAIN_MAGICS = _names(
    "time timeit capture matplotlib precision pwd who who_ls whos pinfo pinfo2 pdoc pdef lsmagic magic quickref"
    " xmode colors markdown html latex svg"
)


def kind_of_method(name: str, *, has_arguments: bool) -> str:
    """Return "reads" or "writes" for a method that is known by its name to use a file; else "".

    Examples
    --------
    >>> kind_of_method("to_csv", has_arguments=True), kind_of_method("read_csv", has_arguments=True)
    ('writes', 'reads')
    >>> kind_of_method("mean", has_arguments=False)
    ''
    """
    if name in _WRITING or name.startswith(("write_", "sink_", "dump_")):
        return "writes"
    if name in _READING or (name.startswith(("read_", "load_")) and (has_arguments or name.startswith("read_"))):
        return "reads"
    return ""


def without_options(line: str) -> str:
    """Return the code that stands behind the options of a line magic.

    Examples
    --------
    >>> without_options("-n 10 -r 3 f(x)")
    'f(x)'
    """
    words = line.split(" ")
    at = 0
    while at < len(words) and words[at].startswith("-"):
        at += 2 if len(words[at]) == len("-n") and words[at + 1 : at + 2] and words[at + 1].isdigit() else 1
    return " ".join(words[at:])
