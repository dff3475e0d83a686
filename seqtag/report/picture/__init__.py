"""The interactive picture of gates and states: one page, or a component of another page.

As a page: ``picture_page(title, data)``, with the data of `seqtag.inspect.picture.picture_data`.

In another page, without network or build step, serve `picture_script` as a JavaScript module and
`picture_style` as a style sheet:

    <link rel=stylesheet href=picture.css>
    <div id=picture></div>
    <script type=module>
      import { mountPicture } from "./picture.js";
      const shown = mountPicture(document.getElementById("picture"), data);
      shown.destroy();  // before another sentence is mounted
    </script>

The data are JSON. The script sets all text as text, so words may contain markup.
"""

from seqtag.report.picture.page import picture_page, picture_script, picture_style

__all__ = ["picture_page", "picture_script", "picture_style"]
