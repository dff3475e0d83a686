"""The registry of suites: files, folders and names."""

from __future__ import annotations

import pytest

from seqtag.errors import InputError
from seqtag.suites.registry import SUITES, read_suite


def test_a_folder_is_read_file_by_file(write, blimp_line):
    line = blimp_line("Olga saw herself.", "Olga saw himself.")
    path = write("anaphor_number_agreement.jsonl", line)
    write("anaphor_gender_agreement.jsonl", line * 2)
    write("wh_island.jsonl", "not read")
    pairs = read_suite("blimp", path.parent)
    names = [pair.where.rpartition("/")[2] for pair in pairs]
    assert names == [
        f"anaphor_{a}_agreement.jsonl:{n}" for a, n in (("gender", 1), ("gender", 2), ("number", 1))
    ]
    assert read_suite("blimp", str(path)) == pairs[2:]


def test_an_unknown_suite_suggests_the_nearest_name():
    with pytest.raises(InputError, match=r"unknown suite 'winobais' \(did you mean 'winobias'"):
        read_suite("winobais", "x")


@pytest.mark.parametrize("name", SUITES)
def test_a_folder_without_files_and_a_missing_path_are_rejected(name, tmp_path):
    with pytest.raises(InputError, match=f"the folder has no file of {name} \\("):
        read_suite(name, tmp_path)
    with pytest.raises(InputError, match="nowhere: no such file or folder"):
        read_suite(name, tmp_path / "nowhere")


@pytest.mark.parametrize("name", SUITES)
def test_an_image_is_rejected(name, write):
    path = write("pro_stereotyped_type1.txt.dev", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR")
    write("occupations-stats.tsv", "occupation\tbergsma_pct_female\tbls_pct_female\tbls_year\n")
    with pytest.raises(InputError, match=r"pro_stereotyped_type1\.txt\.dev"):
        read_suite(name, path)


def test_an_empty_file_is_rejected(write):
    with pytest.raises(InputError, match="contains no pairs"):
        read_suite("blimp", write("empty.jsonl", "\n\n"))
