"""segviz download-voc."""

import pytest

from segviz.data import voc_download


@pytest.mark.parametrize("extra", [[], ["--no-sbd"]])
def test_download(cli, monkeypatch, tmp_path, extra):
    calls = []

    def download(folder, augment):
        calls.append((str(folder), augment))
        return tmp_path

    monkeypatch.setattr(voc_download, "download", download)
    code, out, _ = cli("download-voc", tmp_path, *extra, trained=False)
    assert code == 0 and out == f"{tmp_path}\n" and calls == [(str(tmp_path), not extra)]
