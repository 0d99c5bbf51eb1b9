"""Lines with secrets of well-known kinds, and ordinary lines that look a little like them.

The secrets are made when they are asked for, from pieces: whoever searches the repository for secrets finds none.
"""

from __future__ import annotations

import base64
import json
import random
import string

ALPHANUMERIC = string.ascii_letters + string.digits
UPPER = string.ascii_uppercase + string.digits
LOWER = string.ascii_lowercase + string.digits
HEX = "0123456789abcdef"


def made(prefix: str, length: int, alphabet: str = ALPHANUMERIC) -> str:
    """Return a secret that is the same in every run."""
    chance = random.Random(f"{prefix}{length}{alphabet}")  # noqa: S311 - they only look like secrets
    # A digit, a small and a capital letter are in every real one, too.
    start = "".join(next((c for c in kind if c in alphabet), "") for kind in ("7", "k", "Q"))
    return prefix + start + "".join(chance.choices(alphabet, k=length - len(start)))


def private_key(kind: str = "RSA ") -> str:
    """Return a PEM block."""
    lines = "\n".join(made(f"{kind}{number}", 64)[-64:] for number in range(8))
    return f"-----BEGIN {kind}PRIVATE" + f" KEY-----\n{lines}\n-----END {kind}PRIVATE" + " KEY-----"


def web_token() -> str:
    """Return a JSON Web Token, signature and all."""
    head, body = ({"alg": "HS256", "typ": "JWT"}, {"sub": "1234567890", "name": "Ada", "iat": 1516239022})
    parts = [base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in (head, body)]
    return ".".join([*parts, made("", 43)])


def lines_with_secrets() -> list[tuple[str, str]]:
    """Return lines of notebooks, each with the secret in it."""
    openai = made("sk-", 20) + "T3Blbk" + "FJ" + made("", 20)
    aws_secret = made("", 40)
    basic = base64.b64encode(b"ada:" + made("", 12).encode()).decode()
    forms = [
        ('client = OpenAI(api_key="{}")', openai),
        ("openai.api_key = '{}'", made("sk-" + "proj-", 60)),
        ("%env ANTHROPIC_API_KEY={}", made("sk-" + "ant-api03-", 90)),
        ('os.environ["HF_TOKEN"] = "{}"', made("hf" + "_", 34)),
        ("login({!r})", made("hf" + "_", 37)),
        ("genai.configure(api_key='{}')", made("AI" + "za", 35)),
        ("aws_access_key_id = {}", made("AK" + "IA", 16, UPPER)),
        ('boto3.client("s3", aws_secret_access_key="{}")', aws_secret),
        ("AWS_SECRET_ACCESS_KEY={}", made("", 40, ALPHANUMERIC + "/+")),
        ("AWS_SESSION_TOKEN={}", made("", 200, ALPHANUMERIC + "/+")),
        ("!git clone https://ada:{}@github.com/lab/data.git", made("gh" + "p_", 36)),
        ("headers = {{'Authorization': 'token {}'}}", made("github" + "_pat_", 82)),
        ("GITLAB = '{}'", made("gl" + "pat-", 20)),
        ("slack = WebClient('{}')", "xo" + "xb-" + "123456789012-123456789012-" + made("", 24)),
        ("url = 'https://hooks.slack" + ".com/services/{}'", "T00000000/B00000000/" + made("", 24)),
        ("stripe.api_key = '{}'", made("sk" + "_live_", 24)),
        ("stripe.api_key = '{}'", made("sk" + "_test_", 24)),
        ("SendGridAPIClient('{}')", made("S" + "G.", 22) + "." + made("", 43)),
        ("Client(sid, '{}')", made("S" + "K", 32, LOWER)),
        ("bot = Bot('{}')", "1234567890" + ":" + made("", 35)),
        ("//registry.npmjs.example/:_authToken={}", made("npm" + "_", 36)),
        ("twine upload -p {}", made("pypi-" + "AgEIcHlwaS5vcmc", 80)),
        ("conn = 'AccountKey={};'", made("", 86) + "=="),
        ("r = get(url, headers={{'Authorization': 'Bearer {}'}})", made("", 32)),
        ("curl -H 'Authorization: Basic {}'", basic),
        ("jwt = '{}'", web_token()),
        ("mailchimp('{}')", made("", 32, LOWER) + "-us12"),
        ("spark.conf.set('databricks', '{}')", made("da" + "pi", 32, HEX)),
        ("engine = create_engine('postgresql://ada:{}@db.lab/sales')", made("", 14)),
        ("redis = 'redis://:{}@cache:6379/0'", made("", 14)),
        ('password = "{}"', "hunter2!"),
        ("db_password: str = '{}'", "S0mmer-Wiese"),
        ('{{"user": "ada", "password": "{}"}}', "kaffee&kuchen9"),
        ("connect(host='db', user='ada', passwd='{}')", "Tr0ub4dor&3"),
        ("SECRET_KEY = '{}'", "django-" + made("", 40, LOWER + "!@#%^&*-_=+")),
        ("api_key: {}", made("", 32, HEX)),
        ("DB_PASSWORD={}", made("", 12)),
        ("'Server=db;User Id=ada;Password={};Encrypt=yes'", made("", 12)),
        ("https://api.weather.example/v1?api_key={}&city=Bern", made("", 32, HEX)),
        ("environ({{'WANDB_API_KEY': '{}', 'HOME': '/root'}})", made("", 40, HEX)),
        ('payload = "{{\\"client_secret\\": \\"{}\\"}}"', made("", 30)),
        ("{}", private_key()),
        ("{}", private_key("OPENSSH ")),
        ('{{"private_key": "{}\\n"}}', private_key("").replace("\n", "\\n")),
    ]
    return [(form.format(secret), secret) for form, secret in forms]


ORDINARY = r"""
password = get_password()
password = getpass.getpass("Password for the database: ")
token = row["token"]
tokens = tokenizer.encode("The quick brown fox")
token = "running"
pad_token = "[PAD]"
tokenizer = AutoTokenizer.from_pretrained("bert-base-uncased")
tokenizer_name = "sentence-transformers/all-MiniLM-L6-v2"
api_key = os.environ["OPENAI_API_KEY"]
api_key=os.getenv("API_KEY", "")
client = OpenAI(api_key=api_key_2)
df = df.sort_values(key="price_2024", ascending=False)
df.rename(columns={"pwd": "password", "usr": "user_name"}, inplace=True)
columns = ["user_id", "password_hash", "api_key", "created_at"]
primary_key = "customer_id_2024"
config = {"password": "<your password>", "token": "${TOKEN}"}
password_field = "password_2"
secret_name = "projects/123/secrets/db-password/versions/4"
token_url = "https://auth.lab.example/oauth2/token"
credentials_path = "~/.config/gcloud/application_default_credentials.json"
credentials = service_account.Credentials.from_service_account_file("key1.json")
model(max_tokens=4096, stop_token="<|im_end|>")
git checkout 9fceb02d0ae598e95dc970b74767f19372d61af8
sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855
md5 = "d41d8cd98f00b204e9800998ecf8427e"
run_id = "123e4567-e89b-12d3-a456-426614174000"
img = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
mlflow.set_tracking_uri("http://127.0.0.1:5000")
server = "203.0.113.7:8080"
DATABASE_URL = "postgresql://localhost:5432/sales"
print(f"postgresql://{user}:{password}@{host}/db")
assert response.status_code == 401, "wrong password"
# The secret of a good plot: fewer colours, larger type.
secretary = "Anna-Lena Meier2"
X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.2, random_state=42)
0    2024-01-01 00:00:00    15.230000   -0.482913   A1B2C3D4E5
array([[0.12345678, 0.87654321], [1.00000000e-05, 9.99999999e-01]])
DOI 10.1038/s41586-020-2649-2, ISBN 978-3-16-148410-0, order 4711-0815-AB
TTGACAATTAATCATCGGCTCGTATAATGTGTGGAATTGTGAGCGGATAACAATTTCACACAGGAAACAG
MKTAYIAKQRQISFVKSHFSRQLEERLGLIEVQAPILSRVGDGTQDNLSGAEKAVQVKVKALPDAQFEVV
def login(user: str, password: str, token: Optional[str] = None) -> Session:
login(user=user, password=password1, token=token2)
if password == "" or len(password) < 8:
from sk_learn_contrib import sk-learn-contrib-project-template
-----BEGIN CERTIFICATE-----
ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl ada@lab
The bearer of this letter is entitled to enter the reading room of 1871.
""".strip().splitlines()
