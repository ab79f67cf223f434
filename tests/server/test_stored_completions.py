"""`store`: completions kept, listed, fetched, labelled and deleted through the official client."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from openai import BadRequestError, NotFoundError, OpenAI
from openai.types.chat import ChatCompletion
from scripted_app import ANSWER, MakeServer, ScriptedServer, audio_part, spoken, wav_bytes

from vivavoce.server.service import Limits
from vivavoce.testing import ScriptedThinker

MODEL = "gpt-4o-mini-audio-preview"
HI: list[Any] = [{"role": "user", "content": "hi"}]
SPOKEN: dict[str, Any] = {"modalities": ["text", "audio"], "audio": {"voice": "alloy", "format": "pcm16"}}
WEATHER: dict[str, Any] = {"type": "function", "function": {"name": "weather", "parameters": {"type": "object"}}}
HEARD = "what is two plus two"
UNKNOWN = "chatcmpl-" + "0" * 32


def client_of(server: ScriptedServer, key: str = "none") -> OpenAI:
    return OpenAI(base_url=f"{server.url}/v1", api_key=key, max_retries=0, timeout=20, _strict_response_validation=True)


@pytest.fixture
def own(make_server: MakeServer) -> Iterator[tuple[ScriptedServer, OpenAI]]:
    server = make_server()
    with client_of(server) as client:
        yield server, client


def create(client: OpenAI, **fields: Any) -> ChatCompletion:
    return client.chat.completions.create(**({"model": MODEL, "messages": HI, "store": True} | fields))


def stream(client: OpenAI, **fields: Any) -> str:
    """The id of an answer that was streamed to its end."""
    asked = {"model": MODEL, "messages": HI, "store": True, "stream": True} | fields
    return [chunk.id for chunk in client.chat.completions.create(**asked)][-1]


def listed(client: OpenAI, **query: Any) -> list[str]:
    return [each.id for each in client.chat.completions.list(**query)]


def get(server: ScriptedServer, path: str, key: str = "none", **query: str) -> httpx.Response:
    headers = {"authorization": f"Bearer {key}"}
    return server.http.get(f"/v1/chat/completions{path}", headers=headers, params=query)


@pytest.mark.proves("store", "metadata", "GET, POST, DELETE /v1/chat/completions/{id}")
@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
def test_what_is_stored_is_what_was_answered(own: tuple[ScriptedServer, OpenAI], streamed: bool) -> None:
    _, client = own
    asked = {"messages": spoken(), "metadata": {"topic": "sums"}, "temperature": 0.5, "seed": 7, "user": "anna"}
    if streamed:
        stored_id = stream(client, **asked)
        answered = None
    else:
        answered = create(client, **asked)
        stored_id = answered.id
        assert answered.metadata == {"topic": "sums"}
    found = client.chat.completions.retrieve(stored_id)
    assert found.id == stored_id
    assert found.metadata == {"topic": "sums"}
    assert found.choices[0].message.content == ANSWER
    assert found.choices[0].message.heard[0]["transcript"]
    assert found.choices[0].finish_reason == "stop"
    assert found.usage.prompt_tokens_details.audio_tokens == 10
    more = found.model_extra or {}
    assert (more["temperature"], more["seed"], more["input_user"], more["top_p"]) == (0.5, 7, "anna", None)
    assert more["request_id"].startswith("req_")
    if answered is not None:
        assert found.model_dump(exclude=set(more)) == answered.model_dump()
    assert listed(client) == [stored_id]


@pytest.mark.parametrize("fields", [{}, {"store": False}, {"store": None}])
def test_nothing_else_is_stored(own: tuple[ScriptedServer, OpenAI], fields: dict[str, Any]) -> None:
    _, client = own
    asked = {"model": MODEL, "messages": HI, "metadata": {"a": "1"}} | fields
    done = client.chat.completions.create(**asked)
    assert done.metadata is None
    with pytest.raises(NotFoundError):
        client.chat.completions.retrieve(done.id)
    assert listed(client) == []


@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
def test_sound_is_fetched_by_its_own_id(own: tuple[ScriptedServer, OpenAI], streamed: bool) -> None:
    server, client = own
    stored_id = stream(client, **SPOKEN) if streamed else create(client, **SPOKEN).id
    message = client.chat.completions.retrieve(stored_id).choices[0].message
    assert (message.content, message.audio.data, message.audio.transcript) == (None, "", ANSWER)
    assert message.audio.expires_at > time.time()
    headers = {"authorization": "Bearer none"}
    sound = server.http.get(f"/v1/audio/replies/{message.audio.id}", headers=headers)
    assert len(sound.content) > 10_000
    client.chat.completions.delete(stored_id)
    assert server.http.get(f"/v1/audio/replies/{message.audio.id}", headers=headers).content == sound.content


def test_choices_calls_and_logprobs_are_stored_too(make_server: MakeServer) -> None:
    server = make_server(thinker=ScriptedThinker("", calls=[("weather", '{"city": "Bern"}')]))
    with client_of(server) as client:
        for stored_id in (
            create(client, tools=[WEATHER], **SPOKEN).id,
            stream(client, tools=[WEATHER], tool_choice="auto", **SPOKEN),
        ):
            found = client.chat.completions.retrieve(stored_id)
            message = found.choices[0].message
            assert (message.content, message.audio, found.choices[0].finish_reason) == (None, None, "tool_calls")
            assert message.tool_calls[0].function.arguments == '{"city": "Bern"}'
            assert found.model_extra["tools"][0]["function"]["name"] == "weather"
        assert found.model_extra["tool_choice"] == "auto"
        server.engines.thinker.answer = "yes"
        two = stream(client, n=2, logprobs=True, top_logprobs=1)
        found = client.chat.completions.retrieve(two)
        assert [choice.message.content for choice in found.choices] == ["yes", "yes"]
        assert all(choice.logprobs.content[0].token == "yes" for choice in found.choices)


@pytest.mark.proves("GET /v1/chat/completions/{id}/messages")
def test_messages_are_told_with_what_was_heard(own: tuple[ScriptedServer, OpenAI]) -> None:
    client = own[0].client  # the official type of these messages knows the role "assistant" only
    earlier = create(client, **SPOKEN)
    call = {"id": "call_1", "type": "function", "function": {"name": "weather", "arguments": "{}"}}
    messages: list[Any] = [
        {"role": "developer", "content": "Be brief."},
        {"role": "user", "name": "anna", "content": [{"type": "text", "text": "listen:"}, audio_part(wav_bytes())]},
        {"role": "assistant", "audio": {"id": earlier.choices[0].message.audio.id}},
        {"role": "user", "content": [audio_part(wav_bytes(0.7))]},
        {"role": "assistant", "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "call_1", "content": "sunny"},
    ]
    stored_id = create(client, messages=messages, tools=[WEATHER]).id
    found = list(client.chat.completions.messages.list(stored_id))
    assert [message.id for message in found] == [f"{stored_id}-{number}" for number in range(6)]
    assert [message.role for message in found] == ["developer", "user", "assistant", "user", "assistant", "tool"]
    assert found[0].content == "Be brief."
    assert found[0].content_parts is None
    assert found[1].model_extra["name"] == "anna"
    assert [part.text for part in found[1].content_parts] == ["listen:", HEARD]
    assert found[1].content == f"listen:\n{HEARD}"
    assert found[3].content == HEARD
    assert found[2].content == ANSWER
    assert found[4].content is None
    assert found[4].tool_calls[0].function.name == "weather"
    assert found[5].model_extra["tool_call_id"] == "call_1"
    backwards = client.chat.completions.messages.list(stored_id, order="desc", limit=4)
    assert [message.id[-1] for message in backwards.data] == ["5", "4", "3", "2"]
    assert backwards.has_more
    assert [message.id[-1] for message in backwards] == ["5", "4", "3", "2", "1", "0"], "the client pages on"


@pytest.mark.proves("GET /v1/chat/completions")
def test_lists_are_paged_ordered_and_narrowed(own: tuple[ScriptedServer, OpenAI]) -> None:
    server, client = own
    assert client.chat.completions.list().data == []
    kept = [create(client, metadata={"n": str(number), "even": str(number % 2 == 0)}).id for number in range(5)]
    other = create(client, model="viva-voce").id
    assert listed(client) == [*kept, other]
    assert listed(client, order="desc", limit=2) == [other, *kept[::-1]]
    assert listed(client, metadata={"even": "True"}, limit=1) == kept[::2]
    assert listed(client, metadata={"even": "True", "n": "2"}) == [kept[2]]
    assert listed(client, model="viva-voce") == [other]
    assert listed(client, after=kept[3]) == [kept[4], other]
    page = get(server, "", limit="2").json()
    assert (page["object"], page["first_id"], page["last_id"], page["has_more"]) == ("list", kept[0], kept[1], True)
    empty = get(server, "", model="gpt-audio").json()
    assert empty == {"object": "list", "data": [], "first_id": None, "last_id": None, "has_more": False}


@pytest.mark.proves("GET, POST, DELETE /v1/chat/completions/{id}")
def test_metadata_is_changed_and_a_completion_deleted(own: tuple[ScriptedServer, OpenAI]) -> None:
    _, client = own
    stored_id = create(client, metadata={"a": "1", "b": "2"}).id
    changed = client.chat.completions.update(stored_id, metadata={"c": "3"})
    assert (changed.id, changed.metadata, changed.choices[0].message.content) == (stored_id, {"c": "3"}, ANSWER)
    assert client.chat.completions.retrieve(stored_id) == changed
    assert client.chat.completions.update(stored_id, metadata=None).metadata == {}
    gone = client.chat.completions.delete(stored_id)
    assert gone.to_dict() == {"id": stored_id, "object": "chat.completion.deleted", "deleted": True}
    for verb in (client.chat.completions.retrieve, client.chat.completions.delete):
        with pytest.raises(NotFoundError):
            verb(stored_id)
    with pytest.raises(NotFoundError):
        client.chat.completions.update(stored_id, metadata={})
    with pytest.raises(NotFoundError):
        client.chat.completions.messages.list(stored_id)
    assert listed(client) == []


def test_all_can_be_deleted_while_they_are_listed(own: tuple[ScriptedServer, OpenAI]) -> None:
    _, client = own
    kept = [create(client).id for _ in range(5)]
    gone = [client.chat.completions.delete(each.id).id for each in client.chat.completions.list(limit=2)]
    assert gone == kept
    assert listed(client) == []


def test_somebody_elses_completion_reads_like_an_unknown_one(own: tuple[ScriptedServer, OpenAI]) -> None:
    server, client = own
    stored_id = create(client).id
    foreign, missing = get(server, f"/{stored_id}", "bert"), get(server, f"/{UNKNOWN}")
    assert foreign.status_code == missing.status_code == 404
    assert foreign.text.replace(stored_id, UNKNOWN) == missing.text
    error = missing.json()["error"]
    assert (error["type"], error["code"], error["param"]) == ("invalid_request_error", "not_found", "completion_id")
    with client_of(server, "bert") as other:
        assert listed(other) == []
        for refused in (
            lambda: other.chat.completions.update(stored_id, metadata={"mine": "now"}),
            lambda: other.chat.completions.delete(stored_id),
            lambda: other.chat.completions.messages.list(stored_id),
        ):
            with pytest.raises(NotFoundError):
                refused()
        with pytest.raises(BadRequestError) as caught:
            listed(other, after="audio_1")
        assert caught.value.param == "after"
    assert client.chat.completions.retrieve(stored_id).metadata == {}


def test_completions_expire(make_server: MakeServer) -> None:
    server = make_server(limits=Limits(stored_ttl_s=2))
    with client_of(server) as client:
        stored_id = create(client).id
        assert listed(client) == [stored_id]
        time.sleep(2)
        assert listed(client) == []
        with pytest.raises(NotFoundError):
            client.chat.completions.retrieve(stored_id)
    assert server.service.ledger.collect_garbage() == 1


def test_an_answer_that_was_broken_off_is_not_stored(make_server: MakeServer) -> None:
    server = make_server(thinker=ScriptedThinker(ANSWER, delay_s=0.05))
    asked = {"model": MODEL, "messages": HI, "store": True, "stream": True}
    headers = {"authorization": "Bearer none"}
    with server.http.stream("POST", "/v1/chat/completions", json=asked, headers=headers) as response:
        next(line for line in response.iter_lines() if "Two" in line)
    deadline_s = time.monotonic() + 5
    while server.engines.thinker.busy and time.monotonic() < deadline_s:
        time.sleep(0.02)
    assert get(server, "").json()["data"] == []


@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
def test_an_answer_that_cannot_be_stored_is_given(
    make_server: MakeServer, streamed: bool, caplog: pytest.LogCaptureFixture
) -> None:
    server = make_server()
    with server.service.ledger._engine.begin() as connection:  # pyright: ignore[reportPrivateUsage]
        connection.exec_driver_sql("drop table stored_completions")
    asked = {"model": MODEL, "messages": HI, "store": True}
    if streamed:
        chunks = list(server.client.chat.completions.create(**asked, stream=True))
        assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks) == ANSWER
    else:
        assert server.client.chat.completions.create(**asked).choices[0].message.content == ANSWER
    assert "given but not stored" in caplog.text
    assert ANSWER not in caplog.text


def test_ids_and_words_stay_out_of_the_log_and_off_the_disk(
    make_server: MakeServer, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    server = make_server()
    with caplog.at_level(logging.DEBUG, logger="vivavoce"):
        stored_id = create(server.client, metadata={"customer": "meier-and-sons"}).id
        get(server, f"/{stored_id}")
        get(server, f"/{stored_id}/nothing")
        get(server, f"/{stored_id}/messages", "bert")
        listed(server.client, metadata={"customer": "meier-and-sons"})
    assert "GET /v1/chat/completions/{completion_id}" in caplog.text
    found = b"".join(str(file).encode() + file.read_bytes() for file in tmp_path.rglob("*") if file.is_file())
    assert len(found) > 10_000
    for secret in (stored_id, ANSWER[:20], "meier", "bert"):
        assert secret not in caplog.text
        assert secret.encode() not in found
