"""Paste a picture from the clipboard into the upload beside it."""

import streamlit as st

__all__ = ["pasted_file"]

_JS = """
export default function () {
  // The file goes the way of a chosen one, with its limits: into the first upload of the dialog.
  const paste = (event) => {
    const pictures = [...(event.clipboardData?.files ?? [])].filter((file) =>
      file.type.startsWith("image/"),
    );
    const input = document.querySelector("[role=dialog] [data-testid=stFileUploader] input");
    if (!pictures.length || !input) return;
    event.preventDefault();
    const files = new DataTransfer();
    files.items.add(pictures[0]);
    input.files = files.files;
    input.dispatchEvent(new Event("change", { bubbles: true }));
  };
  document.addEventListener("paste", paste);
  return () => document.removeEventListener("paste", paste);
}
"""

_PASTE = st.components.v2.component("segviz_paste", js=_JS)


def pasted_file() -> None:
    """Let the first file uploader of the dialog take a picture that is pasted; shows nothing."""
    with st.container(key="paste"):
        _PASTE(key="paste_listener")
