"""The page of the interactive picture: self-contained, and safe for any words."""

import json
import re

from seqtag.report.picture import picture_page, picture_script, picture_style

HOSTILE = "</script><script>alert(1)</script><!--"


def test_the_data_cannot_end_their_script_element():
    page = picture_page("A <title>", {"traces": [{"tokens": [HOSTILE]}]})
    assert "A &lt;title&gt;" in page
    assert page.count("</script>") == 2
    assert "<!--" not in page
    (text,) = re.findall('<script type="application/json" id=data>(.*?)</script>', page)
    assert json.loads(text)["traces"][0]["tokens"] == [HOSTILE]


def test_the_page_needs_no_other_file():
    page = picture_page("x", {})
    assert "Content-Security-Policy" in page
    assert "default-src 'none'" in page
    assert not re.search(r"https?://|src=|@import|url\(", page)
    assert len(page) < 80_000


def test_the_script_is_one_module_that_sets_text_only():
    script = picture_script()
    linked = re.findall(r"^(?:import|export) .*$", script, re.MULTILINE)
    assert linked == ["export { mountPicture };"]
    assert "innerHTML" not in script
    assert "</script" not in script
    assert "</style" not in picture_style()
