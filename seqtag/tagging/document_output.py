"""Output of `seqtag tag` in formats that hold whole documents: a file, or a folder of files."""

from collections.abc import Iterable

from seqtag.data.formats.base import Format
from seqtag.data.formats.document import OutputOptions
from seqtag.errors import InputError
from seqtag.files import new_folder, open_output
from seqtag.tagging.documents import documents
from seqtag.tagging.output import TaggedSentence
from seqtag.tagging.readers import Item


def check_document_output(format: Format, output: str) -> None:
    """Raise an InputError if documents cannot be written to `output` in this format."""
    if format.writes == "folder" and output == "-":
        raise InputError(f"--format {format.name} writes a folder: name it with --output FOLDER")
    format.check_output()


def write_documents(
    tagged: Iterable[tuple[Item, TaggedSentence]],
    format: Format,
    output: str,
    options: OutputOptions,
) -> None:
    """Write each document as soon as its last sentence is tagged.

    A folder, or a file that is not standard output, gets its name when it is complete.

    Raises:
        InputError: for a document that the format cannot represent, or if `output` cannot be
            written.
    """
    found = documents(tagged)
    if format.writes == "folder":
        with new_folder(output) as folder:
            format.write_folder(found, folder, options)
        return
    with open_output(output) as file:
        for piece in format.write_documents(found, options):
            file.write(piece)
            file.flush()
