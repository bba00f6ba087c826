"""Records in ZIP files, honest and not."""

import io
import json
import pickle
import zipfile
from dataclasses import replace

import numpy as np
import pytest

from segviz.errors import InputError
from segviz.runs import archive
from segviz.runs.record import Quantised


def unpacked(record):
    """The arrays, by name, and the facts that a record is saved as."""
    with zipfile.ZipFile(io.BytesIO(archive.record_zip(record))) as file:
        arrays = dict(np.load(io.BytesIO(file.read("record.npz"))))
        return arrays, json.loads(file.read("record.json"))


def packed(arrays, facts):
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)
    return zipped({"record.npz": buffer.getvalue(), "record.json": json.dumps(facts).encode()})


def zipped(files):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as file:
        for name, data in files.items():
            file.writestr(name, data)
    return buffer.getvalue()


def parts(record):
    with zipfile.ZipFile(io.BytesIO(archive.record_zip(record))) as file:
        return {name: file.read(name) for name in file.namelist()}


def refused(data):
    """The message that a ZIP is refused with: one sentence on one line."""
    with pytest.raises(InputError) as error:
        archive.read_zip(data)
    message = str(error.value)
    assert "\n" not in message and message.endswith(".") and len(message) < 300
    return message


def test_a_record_comes_back_equal(record, unjudged):
    for one in (record, unjudged):
        assert archive.read_zip(archive.record_zip(one, "any-name")) == one
    assert archive.read_zip(packed(*unpacked(record))) == record  # JSON as earlier versions wrote


def test_records_are_read_from_any_of_their_files(record, tmp_path):
    record.save(tmp_path / "run")
    (tmp_path / "run.zip").write_bytes(archive.record_zip(record))
    for name in ("run.npz", "run.json", "run.zip"):
        assert archive.read_record(tmp_path / name) == record
    for name in ("absent.zip", "absent.json"):
        with pytest.raises(InputError, match=name):
            archive.read_record(tmp_path / name)


@pytest.mark.parametrize("data", [b"", b"text", b"PK\x03\x04" + bytes(99)])
def test_what_is_no_zip_is_refused(data):
    assert "not a readable ZIP" in refused(data)


def test_damaged_zips_are_refused(record):
    whole = archive.record_zip(record)
    for cut in (30, len(whole) // 2, len(whole) - 10):
        refused(whole[:cut])
    places = np.random.default_rng(0).integers(0, len(whole), 200)
    for place in places:
        damaged = bytearray(whole)
        damaged[place] ^= 0xFF
        try:  # a byte that nothing depends on may change
            again = archive.read_zip(bytes(damaged))
        except InputError:
            continue
        assert again == record


@pytest.mark.parametrize(
    "change",
    [
        lambda files: {name: data for name, data in files.items() if name.endswith(".npz")},
        lambda files: {**files, "more.txt": b""},
        lambda files: {**files, "record2.npz": files["record.npz"]},
        lambda files: {f"folder/{name}": data for name, data in files.items()},
        lambda files: {f"../{name}": data for name, data in files.items()},
        lambda files: {f"..\\{name}": data for name, data in files.items()},
        lambda files: {f"/tmp/{name}": data for name, data in files.items()},
    ],
)
def test_other_files_and_folders_are_refused(record, change):
    assert "a record's ZIP h" in refused(zipped(change(parts(record))))


def test_encrypted_zips_are_refused(record):
    data = bytearray(archive.record_zip(record))
    for signature, flag in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.index(signature) + flag] |= 1
    assert "not a readable ZIP" in refused(bytes(data))


def test_large_files_are_refused_before_they_are_read(record, monkeypatch):
    data = archive.record_zip(record)
    monkeypatch.setattr(archive, "MAX_PACKED", len(data) - 1)
    assert "command line" in refused(data)


def test_bombs_are_refused_before_they_are_unpacked(record, monkeypatch):
    monkeypatch.setattr(archive, "MAX_PACKED", 1 << 20)
    monkeypatch.setattr(archive, "MAX_UNPACKED", 1 << 20)
    monkeypatch.setattr(archive, "MAX_FACTS", 1 << 20)
    files = parts(record)
    bomb = bytes(3 << 20)
    for name in files:
        message = refused(zipped({**files, name: bomb}))
        assert message.startswith(f"'{name}' unpacks to 3 MiB, but a record's may to 1 MiB;")
    arrays, facts = unpacked(record)
    message = refused(packed({**arrays, "labels": np.frombuffer(bomb, np.uint8)}, facts))
    assert "'labels.npy' unpacks to 3 MiB" in message
    many = {f"extra{i}": np.zeros(1 << 19, np.uint8) for i in range(3)}
    assert "unpacks to" in refused(packed({**arrays, **many}, facts))


def test_a_size_that_lies_does_not_help(record):
    """The entry says it is small; what lies behind it is not read any further."""
    files = parts(record)
    data = bytearray(zipped({**files, "record.npz": bytes(3 << 20)}))
    for signature, offset in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        place = data.index(signature) + offset
        assert data[place : place + 4] == (3 << 20).to_bytes(4, "little")
        data[place : place + 4] = (1000).to_bytes(4, "little")
    refused(bytes(data))


def test_arrays_larger_than_their_data_are_not_allocated(record):
    arrays, facts = unpacked(record)
    buffer = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        buffer, {"descr": "|u1", "fortran_order": False, "shape": (1 << 20, 1 << 20)}
    )
    members = {f"{name}.npy": npy(array) for name, array in arrays.items()}
    members["labels.npy"] = buffer.getvalue()
    files = {"record.npz": zipped(members), "record.json": json.dumps(facts).encode()}
    assert "'labels.npy' is not the array that its header" in refused(zipped(files))


def test_nothing_is_unpickled(record):
    opened = []

    class Trap:
        def __reduce__(self):
            return opened.append, (1,)

    arrays, facts = unpacked(record)
    members = {f"{name}.npy": npy(array) for name, array in arrays.items()}
    trap = np.empty(1, object)
    trap[0] = Trap()
    for bad in (npy(trap), pickle.dumps(Trap()), b"", b"\x93NUMPY\x09\x00"):
        files = {"record.npz": zipped({**members, "truth.npy": bad})}
        files["record.json"] = json.dumps(facts).encode()
        assert "'truth.npy' is not" in refused(zipped(files))
    assert opened == []


def npy(array):
    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=True)
    return buffer.getvalue()


def test_zips_that_lead_outside_themselves_are_refused(record):
    """The directory of the ZIP says that it begins before the file does."""
    data = bytearray(archive.record_zip(record))
    place = data.rindex(b"PK\x05\x06") + 16
    for offset in (0x7FFFFFFF, 0xFFFFFFFE, len(data) + 5):
        data[place : place + 4] = offset.to_bytes(4, "little")
        refused(bytes(data))


@pytest.mark.parametrize("header", [b"{'descr': (", b"{'descr': '|u1', 'shape': (9**9**9,)}", b"("])
def test_headers_that_are_no_python_are_refused(record, header):
    arrays, facts = unpacked(record)
    members = {f"{name}.npy": npy(array) for name, array in arrays.items()}
    padded = header.ljust(117) + b"\n"
    members["photo.npy"] = b"\x93NUMPY\x01\x00" + len(padded).to_bytes(2, "little") + padded
    files = {"record.npz": zipped(members), "record.json": json.dumps(facts).encode()}
    assert "'photo.npy' is not an array" in refused(zipped(files))


def test_arrays_of_one_name_are_refused(record):
    arrays, facts = unpacked(record)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file, pytest.warns(UserWarning, match="Duplicate"):
        for name, array in [*arrays.items(), ("photo", arrays["photo"])]:
            file.writestr(f"{name}.npy", npy(array))
    files = {"record.npz": buffer.getvalue(), "record.json": json.dumps(facts).encode()}
    assert "two arrays 'photo'" in refused(zipped(files))


def test_what_would_be_too_large_is_not_written(record, monkeypatch):
    monkeypatch.setattr(archive, "MAX_UNPACKED", record.labels.nbytes)
    with pytest.raises(InputError, match=r"ZIP may have .* fewer steps"):
        archive.record_zip(record)


def with_step(**numbers):
    return lambda facts: facts["steps"][1].update(numbers)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda facts: facts.pop("title"),
        lambda facts: facts.update(title=["a"]),
        lambda facts: facts.update(title="x" * 1000),
        lambda facts: facts.update(title="half \ud83d"),
        lambda facts: facts.update(format=99),
        lambda facts: facts["settings"].update(scale=99),
        lambda facts: facts["settings"].update(scale="3"),
        lambda facts: facts["settings"].update(method=["entropy"]),
        lambda facts: facts["settings"].update(method="magic"),
        lambda facts: facts["settings"].update(centred="<b>"),
        lambda facts: facts["settings"].update(more=1),
        lambda facts: facts["steps"].pop(),
        lambda facts: facts["steps"][1].pop("iou"),
        with_step(loss="1"),
        with_step(loss=True),
        with_step(loss=float("nan")),
        with_step(loss=10**400),
        with_step(step=7),
        lambda facts: facts.update(entropy_range=[0, 0]),
        lambda facts: facts.update(sigma_range=[0, None]),
        lambda facts: facts.update(sigma_range=[0, 1, 2]),
        lambda facts: facts.update(stride=0),
        lambda facts: facts.update(stride="8"),
        lambda facts: facts.update(classes=["background"]),
        lambda facts: facts.update(classes=7),
        lambda facts: facts.update(reference="gold"),
        lambda facts: facts.update(reference=None),
        lambda facts: facts.update(forward_ms="fast"),
        lambda facts: facts.update(complete=1),
        lambda facts: facts.update(environment=[]),
        lambda facts: facts.update(environment={"device": {"deep": 1}}),
        lambda facts: facts.update(environment={"threads": 10**400}),
        lambda facts: facts["settings"].pop("tolerance"),
        lambda facts: facts["settings"].update(learning_rate=10**400),
        lambda facts: facts["settings"].update(steps=1),
        lambda facts: facts.update(steps=300 * facts["steps"]),
        lambda facts: facts.update(sigma_range=[-1.7e308, 1.7e308]),
        lambda facts: facts.update(stride=1e300),
        lambda facts: facts.update(forward_ms=1e300),
        lambda facts: facts.update(arrays_sha256=None),
        lambda facts: facts.update(arrays_sha256="0" * 64),
        with_step(loss=-1e300),
        with_step(entropy=-5),
        with_step(entropy=3.1),
        with_step(iou=7),
        with_step(accuracy=-3),
        with_step(selected=9),
        with_step(sigma=1e300),
        with_step(changed=-1),
        with_step(ms=-1),
    ],
)
def test_facts_that_make_no_sense_are_refused(record, spoil):
    arrays, facts = unpacked(record)
    spoil(facts)
    refused(packed(arrays, facts))


def test_the_faulty_value_is_named(record):
    arrays, facts = unpacked(record)
    assert "truth" in refused(packed({**arrays, "truth": arrays["truth"][1:]}, facts))
    with_step(iou=1.5)(facts)
    message = refused(packed(arrays, facts))
    assert "1.0" in message and "iou" in message


@pytest.mark.parametrize("text", [b"", b"[]", b"1", b"\xff", b"[" * 200_000, b'{"format": 2}'])
def test_other_json_is_refused(record, text):
    refused(zipped({**parts(record), "record.json": text}))


@pytest.mark.parametrize(
    "spoil",
    [
        lambda a: a.pop("labels"),
        lambda a: a.update(photo=a["photo"][..., 0]),
        lambda a: a.update(photo=a["photo"].astype(np.float32)),
        lambda a: a.update(photo=np.uint8(0)),
        lambda a: a.update(labels=a["labels"][:, 1:]),
        lambda a: a.update(labels=np.full_like(a["labels"], 200)),
        lambda a: a.update(truth=np.full_like(a["truth"], 99)),
        lambda a: a.update(truth=a["truth"][1:]),
        lambda a: a.pop("truth"),
        lambda a: a.update(entropy=a["entropy"][:, :-1]),
        lambda a: a.update(sigma=a["sigma"].astype(np.int64)),
        lambda a: a.update(selected=a["selected"].astype(np.uint8)),
        lambda a: a.update(log_probabilities=a["log_probabilities"][:, :-1]),
        lambda a: a.update(rows=a["rows"] * np.nan),
        lambda a: a.update(columns=a["columns"][1:]),
        lambda a: a.update(columns=a["columns"] + np.float32(1e30)),
        lambda a: a.update(more=a["rows"]),
        lambda a: a.update(photo=a["photo"][::-1]),
        lambda a: a.pop("facts_sha256"),
        lambda a: a.update({k: v[:0] for k, v in a.items() if k in ("labels", "entropy")}),
    ],
)
def test_arrays_that_make_no_sense_are_refused(record, spoil):
    arrays, facts = unpacked(record)
    spoil(arrays)
    refused(packed(arrays, facts))


def test_what_would_not_be_read_is_not_written(record):
    entropy = Quantised(record.entropy.codes, 0.0, float("inf"))
    for odd in (replace(record, entropy=entropy), replace(record, title="x" * 1000)):
        with pytest.raises(InputError, match="cannot be written"):
            archive.record_zip(odd)
