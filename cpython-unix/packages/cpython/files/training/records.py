"""Records written and read: JSON, pickle, CSV, XML, SQL, logs, dates, paths."""

from __future__ import annotations

import base64
import contextlib
import copy
import csv
import datetime
import hashlib
import io
import json
import logging
import os
import pathlib
import pickle
import struct
import xml.etree.ElementTree as ElementTree

try:
    import sqlite3
except ImportError:
    sqlite3 = None

RECORDS = [
    {
        "id": n,
        "name": f"Ünïque {n}" if n % 5 == 0 else f"name {n}",
        "tags": ["a", "b\n", 'c"'][: n % 4],
        "score": n / 7,
        "nested": {"ok": n % 2 == 0, "none": None, "list": list(range(n % 9))},
    }
    for n in range(80)
]


def serialized():
    as_json = json.dumps(RECORDS)
    again = json.loads(as_json)
    pretty = json.dumps(again[:10], indent=2, sort_keys=True, ensure_ascii=False)
    pickled = pickle.dumps(RECORDS, protocol=pickle.HIGHEST_PROTOCOL)
    assert pickle.loads(pickled) == again
    copied = copy.deepcopy(RECORDS[:25])
    rows = io.StringIO()
    writer = csv.DictWriter(rows, ["id", "name", "score"], extrasaction="ignore")
    writer.writeheader()
    writer.writerows(RECORDS)
    back = list(csv.DictReader(io.StringIO(rows.getvalue())))
    packed = b"".join(struct.pack("<IdH", record["id"], record["score"], 7) for record in RECORDS)
    unpacked = list(struct.iter_unpack("<IdH", packed))
    encoded = base64.b64encode(pickled)
    return len(pretty), len(copied), len(back), len(unpacked), hashlib.sha256(base64.b64decode(encoded)).hexdigest()


def documents():
    root = ElementTree.Element("records")
    for record in RECORDS[:40]:
        item = ElementTree.SubElement(root, "record", id=str(record["id"]))
        ElementTree.SubElement(item, "name").text = record["name"]
    again = ElementTree.fromstring(ElementTree.tostring(root, encoding="unicode"))
    return [item.findtext("name") for item in again.iter("record") if int(item.get("id")) % 2]


def database():
    if sqlite3 is None:
        return None
    with contextlib.closing(sqlite3.connect(":memory:")) as connection:
        connection.execute("create table record (id integer primary key, name text, score real)")
        connection.executemany("insert into record values (:id, :name, :score)", RECORDS)
        return connection.execute("select count(*), avg(score) from record where name like 'n%'").fetchone()


class Lines(logging.Handler):
    def __init__(self):
        super().__init__()
        self.lines = []

    def emit(self, record):
        self.lines.append(self.format(record))


def journal():
    handler = Lines()
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    logger = logging.Logger("training")
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    for n in range(60):
        logger.debug("not seen %d", n)
        logger.info("seen %d of %s", n, "all")
    return len(handler.lines)


def times():
    moment = datetime.datetime(2024, 2, 28, 23, 30)
    stamps = [(moment + datetime.timedelta(hours=n * 5)).isoformat() for n in range(60)]
    return max(datetime.datetime.fromisoformat(stamp) for stamp in stamps).strftime("%Y-%m-%d"), len(set(stamps))


def files():
    here = pathlib.PurePosixPath("/usr/lib/python/site-packages")
    names = [here / f"package_{n}" / "module.py" for n in range(60)]
    return {name.with_suffix(".pyc").relative_to("/usr").parts[-2] for name in names}, [
        os.path.join("a", "b", str(n)) for n in range(50)
    ]


WORKLOADS = [serialized, documents, database, journal, times, files]
