"""Packs the tables of the WHATWG Encoding Standard into the resources of Dolmen.Data/Encodings.

    python3 eng/charset-indexes.py FOLDER

FOLDER holds indexes.json and encodings.json of the standard's repository (whatwg/encoding; the data is licensed under BSD-3-Clause when it
is part of source code). Run it again only when the standard changes; CharsetIndexes.cs says how the file is laid out.
"""
import json
import pathlib
import sys
import zlib

source = pathlib.Path(sys.argv[1])
target = pathlib.Path(__file__).resolve().parent.parent / "src" / "Dolmen.Web" / "Encodings"
indexes = json.loads((source / "indexes.json").read_text())
del indexes["iso-2022-jp-katakana"]                      # only encoders need it
ranges = indexes.pop("gb18030-ranges")
indexes["gb18030-ranges-pointers"] = [pointer for pointer, _ in ranges]
indexes["gb18030-ranges-code-points"] = [code_point for _, code_point in ranges]

planes = [bytearray(), bytearray(), bytearray()]
for values in indexes.values():
    before = 0
    for value in values:
        step = 0 if value is None else 2 * (value - before) if value > before else 2 * (before - value) + 1
        before = before if value is None else value
        for shift, plane in enumerate(planes):
            plane.append((step >> (8 * shift)) & 0xFF)

header = " ".join(f"{name}:{len(values)}" for name, values in indexes.items()) + "\n"
(target / "charset-indexes.bin").write_bytes(zlib.compress(header.encode("ascii") + b"".join(planes), 9))

encodings = [encoding for group in json.loads((source / "encodings.json").read_text()) for encoding in group["encodings"]]
lines = [f"{encoding['name'].lower()}: {' '.join(encoding['labels'])}\n" for encoding in encodings]
(target / "charset-labels.txt").write_text("".join(lines))
