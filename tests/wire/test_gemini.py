"""Gemini as a provider is one constant: path, request, answers and errors."""

import pytest

from triplegate.wire.gemini import PROVIDER


@pytest.mark.parametrize(
    ("model", "stream", "wanted"),
    [
        ("gemini-2.5-flash", False, "models/gemini-2.5-flash:generateContent"),
        ("gemini-2.5-flash", True, "models/gemini-2.5-flash:streamGenerateContent?alt=sse"),
        ("models/gemini-2.5-flash", False, "models/gemini-2.5-flash:generateContent"),
        ("tunedModels/mine-7", False, "tunedModels/mine-7:generateContent"),
        ("endpoints/4711", True, "endpoints/4711:streamGenerateContent?alt=sse"),
        ("../../files/x?key=1#", False, "models/..%2F..%2Ffiles%2Fx%3Fkey%3D1%23:generateContent"),
        ("tunedModels/../x:evil", False, "tunedModels/..%2Fx%3Aevil:generateContent"),
    ],
)
def test_the_path_is_of_the_model_and_never_leaves_its_place(model: str, stream: bool, wanted: str):
    assert PROVIDER.path(model, stream) == wanted
    assert PROVIDER.family == "gemini"
