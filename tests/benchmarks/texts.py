"""Short texts of many kinds, as they are pasted into questions."""

# ruff: noqa: RUF001 - letters of other scripts are meant

from __future__ import annotations

import base64
import json
import random
from collections.abc import Callable, Mapping

_PROSE = {
    "English": "The harbour was quiet when the last ferry came in. Nobody on the pier had expected snow in April, least of "
    "all the two engineers who were waiting for a parcel from the north. They had measured the bridge all week, and the "
    "figures made no sense to them.",
    "German": "Die Messwerte der vergangenen Woche passen nicht zu den Berechnungen, die das Ingenieurbüro vorgelegt hatte. "
    "Möglicherweise wurde die Wärmeausdehnung der Brückenlager unterschätzt; außerdem fehlen Angaben zur "
    "Windgeschwindigkeit während der Prüfung.",
    "French": "Le marché ouvre à huit heures, mais les pêcheurs arrivent bien plus tôt, dès que la marée le permet. Hier, "
    "l'un d'eux a vendu toute sa pêche avant même d'avoir attaché son bateau au quai, à un hôtelier très pressé.",
    "Spanish": "Mañana revisaremos los datos de la encuesta con más calma. Según los primeros resultados, la mayoría de los "
    "vecinos prefiere que el jardín siga abierto por la noche, aunque también piden más luz y bancos más cómodos.",
    "Polish": "Wczoraj wieczorem zepsuł się zegar na wieży, dlatego połowa miasta spóźniła się do pracy. Burmistrz "
    "przeprosił mieszkańców i obiecał, że mechanik przyjedzie jeszcze przed końcem tygodnia.",
    "Turkish": "Köyün girişindeki değirmen yıllardır çalışmıyordu, ama geçen yaz gençler onu yeniden onardı. Şimdi hafta "
    "sonları çocuklar buğdayın nasıl öğütüldüğünü görmek için oraya gidiyor.",
    "Finnish": "Järven jää kantoi vielä maaliskuussa, vaikka aurinko lämmitti jo selvästi. Kalastajat istuivat hiljaa "
    "avantojensa ääressä ja odottivat, kunnes iltapäivän tuuli ajoi heidät takaisin rantaan.",
    "Vietnamese": "Buổi sáng, chợ nổi đông người từ lúc trời còn tối. Thuyền nào cũng treo một loại trái cây lên cây sào "
    "để khách đứng xa vẫn biết họ bán gì.",
    "Russian": "Поезд опоздал на сорок минут, и пассажиры успели познакомиться друг с другом. Кто-то достал шахматы, кто-то "
    "заварил чай, а проводница рассказала, как прошлой зимой они два дня ждали снегоуборщик.",
    "Greek": "Το καφενείο δίπλα στο λιμάνι ανοίγει πριν από την ανατολή. Οι ψαράδες πίνουν τον καφέ τους όρθιοι και "
    "συζητούν για τον καιρό, που αλλάζει κάθε μέρα.",
    "Arabic": "وصلت القافلة إلى الواحة بعد غروب الشمس بقليل. كان الماء باردا والنخيل كثيفا، فقرر الجميع أن يبقوا هناك يومين "
    "حتى تستريح الجمال من الطريق الطويل.",
    "Hebrew": "בבוקר ירד גשם חזק והרחובות התמלאו מים. הילדים יצאו לשחק בחצר ובנו סירות קטנות מנייר, עד שהשמש חזרה והכול "
    "התייבש.",
    "Hindi": "गाँव के पास एक पुराना पुल है, जिस पर से हर सुबह बच्चे स्कूल जाते हैं। बरसात में नदी इतनी चढ़ जाती है कि उन्हें दूसरे रास्ते से जाना पड़ता है।",
    "Thai": "ร้านหนังสือเก่าใกล้สถานีรถไฟเปิดทุกวันยกเว้นวันจันทร์ เจ้าของร้านจำได้ว่าหนังสือแต่ละเล่มมาจากที่ไหน",
    "Chinese": "昨天下午我们去看了那座旧桥。工程师说桥面需要重新铺设,否则明年夏天就不能通车了。附近的居民希望工程能在开学以前完成。",
    "Japanese": "駅前の古い時計は毎日三分ずつ遅れます。それでも町の人たちは新しい時計に替えようとは言いません。遅れた分だけゆっくり歩けばいいからです。",
    "Korean": "아침마다 시장 입구에는 따뜻한 두부를 파는 할머니가 계십니다. 비가 오는 날에도 거르지 않아서 사람들은 할머니를 보고 요일을 압니다.",
    "Markdown": "## Results\n\n- **Bridge**: within *tolerance*\n- **Pier 3**: see [the report](report.md)\n\n> Measured "
    "twice.\n\n1. Repeat in May.\n2. Ask for `wind.csv`.\n\n### Notes\n\n* [x] calibrated\n* [ ] signed\n",
    "Python": "def mean(values):\n    if not values:\n        raise ValueError('no values')\n    return sum(values) / len(values)"
    "\n\n\nclass Sensor:\n    def __init__(self, name, unit='mm'):\n        self.name = name\n        self.unit = unit\n\n    "
    "def read(self):\n        return self._port.read_float(timeout=2.5)\n",
    "JavaScript": "export async function load(url) {\n  const response = await fetch(url, { cache: 'no-store' });\n  if "
    "(!response.ok) throw new Error(`HTTP ${response.status}`);\n  return (await response.json()).items.map((item) => "
    "item.name ?? 'unnamed');\n}\n",
    "C": "static int find(const uint8_t *data, size_t size, uint8_t wanted) {\n\tfor (size_t i = 0; i < size; i++) {\n\t\tif "
    "(data[i] == wanted) return (int)i;\n\t}\n\treturn -1;\n}\n#define MAX_SIZE (1u << 16)\n",
    "SQL": "SELECT b.name, AVG(m.value) AS mean_value\nFROM bridges b JOIN measurements m ON m.bridge_id = b.id\nWHERE "
    "m.taken_at >= '2026-03-01'\nGROUP BY b.name HAVING COUNT(*) > 12 ORDER BY mean_value DESC;\n",
    "HTML": '<table class="results">\n  <tr><th scope="col">Pier</th><th>mm</th></tr>\n  <tr><td>North</td><td>4.2</td></tr>'
    '\n</table>\n<p id="note">See <a href="#top">above</a> &amp; below.</p>\n',
    "shell": "$ for file in data/*.csv; do wc -l \"$file\" | awk '{ print $1 }'; done\n$ git log --oneline --since=2.weeks | "
    "head -n 5\n$ python -m venv .venv && .venv/bin/pip install -e '.[test]'\n",
    "YAML": "jobs:\n  measure:\n    runs-on: bridge-3\n    steps:\n      - name: read sensors\n        run: ./read.sh --all\n"
    "        env:\n          UNIT: mm\n          RETRIES: '3'\n",
    "LaTeX": r"Let $f(x) = \int_0^x e^{-t^2}\,\mathrm{d}t$. Then $$\sum_{n=1}^{\infty} \frac{(-1)^n}{n^2} = "
    r"-\frac{\pi^2}{12}, \qquad \hat{\beta} = (X^\top X)^{-1} X^\top y.$$ \begin{align} a_{ij} &= b_i c_j \end{align}",
    "traceback": 'Traceback (most recent call last):\n  File "/home/ada/measure.py", line 41, in <module>\n    report(mean('
    'values))\n  File "/home/ada/statistics.py", line 7, in mean\n    raise ValueError("no values")\nValueError: no values\n',
    "emoji": "Great 🎉🎉 the bridge 🌉 holds 💪🏽 and the sun ☀️ is out 😀 see you 👩‍💻 on Monday 🚀✨",
}


def _csv(chance: random.Random) -> str:
    return "".join(f"{n},{chance.choice(['north', 'south'])},{chance.uniform(0, 99):.2f},true\n" for n in range(14))


def _frame(chance: random.Random) -> str:
    return "".join(
        f"{n:>4}  {chance.gauss(0, 9):>10.4f}  2026-03-{n + 1:02d}  {chance.random():>8.3f}\n" for n in range(9)
    )


def _logs(chance: random.Random) -> str:
    return "".join(
        f"2026-03-{chance.randrange(10, 30)} 08:{chance.randrange(10, 60)}:07,{chance.randrange(100, 999)} INFO sensor.north: "
        f"read {chance.randrange(9_000)} values in {chance.random():.3f} s\n"
        for _ in range(4)
    )


def _json(chance: random.Random) -> str:
    rows = [{"id": n, "pier": "north", "mm": round(chance.random() * 9, 3), "ok": n % 2 == 0} for n in range(6)]
    return json.dumps(rows, indent=1)


_MADE: Mapping[str, Callable[[random.Random], str]] = {
    "CSV": _csv,
    "data frame": _frame,
    "log": _logs,
    "JSON": _json,
    "whole numbers": lambda chance: " ".join(str(chance.randrange(10 ** chance.randrange(1, 9))) for _ in range(45)),
    "decimal fractions": lambda chance: ", ".join(f"{chance.gauss(0, 1):.6f}" for _ in range(25)),
    "base64": lambda chance: base64.b64encode(chance.randbytes(180)).decode(),
    "hexadecimal": lambda chance: chance.randbytes(110).hex(),
    "Markdown table": lambda chance: (
        "| pier | mm |\n|---|--:|\n" + "".join(f"| {n} | {chance.random():.2f} |\n" for n in range(14))
    ),
}


def pairs() -> dict[str, tuple[str, str]]:
    """Return two texts of each kind, by the name of the kind."""
    chance = random.Random(1)  # noqa: S311 - not for secrets
    made = {kind: (make(chance), make(chance)) for kind, make in _MADE.items()}
    halves = {kind: (text[: len(text) // 2], text[len(text) // 2 :]) for kind, text in _PROSE.items()}
    return halves | made
