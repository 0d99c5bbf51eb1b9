"""Exports of other programs, small ones, in the forms that the readers' docstrings tell."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="

CHATGPT: list[dict[str, Any]] = [
    {
        "id": "6740a1b2-0000-8000-9000-000000000001",
        "title": "Mean of prices",
        "create_time": 1700000000.5,
        "update_time": 1700000100.0,
        "current_node": "n5",
        "mapping": {
            "root": {"id": "root", "message": None, "parent": None, "children": ["n0"]},
            "n0": {
                "id": "n0",
                "parent": "root",
                "children": ["n1"],
                "message": {
                    "id": "n0",
                    "author": {"role": "system", "name": None, "metadata": {}},
                    "create_time": None,
                    "content": {"content_type": "text", "parts": [""]},
                    "metadata": {"is_visually_hidden_from_conversation": True},
                    "recipient": "all",
                },
            },
            "n1": {
                "id": "n1",
                "parent": "n0",
                "children": ["n2", "n4"],
                "message": {
                    "id": "n1",
                    "author": {"role": "user", "name": None, "metadata": {}},
                    "create_time": 1700000001.25,
                    "content": {
                        "content_type": "multimodal_text",
                        "parts": [
                            {"content_type": "image_asset_pointer", "asset_pointer": "file-service://file-1"},
                            "Why?",
                        ],
                    },
                    "metadata": {},
                    "recipient": "all",
                },
            },
            "n2": {
                "id": "n2",
                "parent": "n1",
                "children": [],
                "message": {
                    "id": "n2",
                    "author": {"role": "assistant", "name": None, "metadata": {}},
                    "create_time": 1700000002.0,
                    "content": {"content_type": "text", "parts": ["An answer that was asked for again."]},
                    "metadata": {"model_slug": "gpt-4o"},
                    "recipient": "all",
                },
            },
            "n4": {
                "id": "n4",
                "parent": "n1",
                "children": ["n5"],
                "message": {
                    "id": "n4",
                    "author": {"role": "assistant", "name": None, "metadata": {}},
                    "create_time": 1700000003.0,
                    "content": {"content_type": "thoughts", "thoughts": [{"summary": "Signs", "content": "Refunds?"}]},
                    "metadata": {"model_slug": "o3"},
                    "recipient": "all",
                },
            },
            "n5": {
                "id": "n5",
                "parent": "n4",
                "children": [],
                "message": {
                    "id": "n5",
                    "author": {"role": "assistant", "name": None, "metadata": {}},
                    "create_time": 1700000004.0,
                    "content": {"content_type": "text", "parts": ["Because of *refunds*."]},
                    "status": "finished_successfully",
                    "end_turn": True,
                    "metadata": {"model_slug": "o3"},
                    "recipient": "all",
                },
            },
        },
    }
]

OPEN_WEBUI: list[dict[str, Any]] = [
    {
        "id": "0b9f3c1e-1111-4222-8333-444455556666",
        "user_id": "u1",
        "title": "Mean of prices",
        "created_at": 1700000000,
        "updated_at": 1700000100,
        "archived": False,
        "chat": {
            "title": "Mean of prices",
            "models": ["qwen3:8b"],
            "params": {"system": "Be brief."},
            "history": {
                "currentId": "m3",
                "messages": {
                    "m1": {
                        "id": "m1",
                        "parentId": None,
                        "childrenIds": ["m2", "m3"],
                        "role": "user",
                        "content": "Why?",
                        "files": [{"type": "image", "url": f"data:image/png;base64,{PIXEL}"}],
                        "timestamp": 1700000001,
                        "models": ["qwen3:8b"],
                    },
                    "m2": {
                        "id": "m2",
                        "parentId": "m1",
                        "childrenIds": [],
                        "role": "assistant",
                        "content": "An answer that was asked for again.",
                        "model": "llama3.2:latest",
                        "timestamp": 1700000002,
                        "done": True,
                    },
                    "m3": {
                        "id": "m3",
                        "parentId": "m1",
                        "childrenIds": [],
                        "role": "assistant",
                        "content": '<details type="reasoning" done="true" duration="2">\n<summary>Thought for 2 seconds</summary>\n'
                        "&gt; Refunds?\n</details>\nBecause of *refunds*.".replace("&gt; ", "> "),
                        "model": "qwen3:8b",
                        "modelName": "Qwen 3",
                        "timestamp": 1700000004,
                        "usage": {"prompt_eval_count": 12, "eval_count": 34},
                        "done": True,
                    },
                },
            },
        },
    }
]

JUPYTER_AI: dict[str, Any] = {
    "messages": [
        {"type": "msg", "id": "a1", "time": 1700000001.25, "sender": "ada", "body": "Why?", "mentions": []},
        {"type": "msg", "id": "a2", "time": 1700000002.0, "sender": "ada", "body": "", "deleted": True},
        {
            "type": "msg",
            "id": "a3",
            "time": 1700000004.0,
            "sender": "jupyter-ai-personas::jupyter_ai::JupyternautPersona",
            "body": "Because of *refunds*.",
            "mentions": [],
        },
    ],
    "users": {
        "ada": {"username": "ada", "name": "Ada", "display_name": "Ada", "bot": False},
        "jupyter-ai-personas::jupyter_ai::JupyternautPersona": {
            "username": "jupyter-ai-personas::jupyter_ai::JupyternautPersona",
            "name": "Jupyternaut",
            "display_name": "Jupyternaut",
            "bot": True,
        },
    },
    "attachments": {},
    "metadata": {"id": "7d1c"},
}

_STORE = """
CREATE TABLE threads (id TEXT PRIMARY KEY, name TEXT, tip_message_hash TEXT, forked_from TEXT, datetime_utc TEXT);
CREATE TABLE turns (id TEXT PRIMARY KEY, thread_id TEXT, parent_message_hash TEXT, tip_message_hash TEXT, model TEXT,
  resolved_model TEXT, options_json TEXT, schema_id TEXT, input_tokens INTEGER, output_tokens INTEGER, token_details TEXT,
  duration_ms INTEGER, datetime_utc TEXT, response_json TEXT);
CREATE TABLE messages (hash TEXT PRIMARY KEY, parent_hash TEXT, role TEXT, provider_metadata TEXT);
CREATE TABLE parts (id INTEGER PRIMARY KEY, message_hash TEXT, position INTEGER, type TEXT, tool_name TEXT, text TEXT,
  payload TEXT);
CREATE TABLE attachments (id TEXT PRIMARY KEY, type TEXT, path TEXT, url TEXT, content BLOB);
CREATE TABLE fragments (id INTEGER PRIMARY KEY, hash TEXT, content TEXT, datetime_utc TEXT, source TEXT);
INSERT INTO threads VALUES ('01m8', 'Mean of prices', 'h4', NULL, '2026-11-21 09:00:00.000000+00:00');
INSERT INTO turns VALUES ('t1', '01m8', 'h1', 'h2', 'qwen3:8b', NULL, NULL, NULL, 12, 34, NULL, 1500,
  '2026-11-21T09:00:00.000000+00:00', NULL);
INSERT INTO turns VALUES ('t2', '01m8', 'h3', 'h4', 'qwen3:8b', NULL, NULL, NULL, 56, 78, NULL, 2500,
  '2026-11-21T09:01:00.000000+00:00', NULL);
INSERT INTO messages VALUES ('h0', NULL, 'system', NULL), ('h1', 'h0', 'user', NULL), ('h2', 'h1', 'assistant', NULL),
  ('h3', 'h2', 'tool', NULL), ('h4', 'h3', 'assistant', NULL);
INSERT INTO fragments VALUES (1, 'f', 'price: -3', '2026-11-21T09:00:00', NULL);
INSERT INTO attachments VALUES ('p1', 'image/png', NULL, NULL, x'89504E47');
INSERT INTO parts (message_hash, position, type, tool_name, text, payload) VALUES
  ('h0', 0, 'text', NULL, 'Be brief.', NULL),
  ('h1', 0, 'text', NULL, NULL, '{"text_ref": [{"fragment": 1}, {"literal": "\\nWhy?"}]}'),
  ('h1', 1, 'attachment', NULL, NULL, '{"attachment": {"id": "p1"}}'),
  ('h2', 0, 'reasoning', NULL, 'Refunds?', NULL),
  ('h2', 1, 'tool_call', 'search', NULL,
    '{"name": "search", "arguments": {"words": "refund"}, "tool_call_id": "c1"}'),
  ('h3', 0, 'tool_result', 'search', NULL, '{"name": "search", "output": "3 rows", "tool_call_id": "c1"}'),
  ('h4', 0, 'text', NULL, 'Because of *refunds*.', NULL);
"""

_RESPONSES = """
CREATE TABLE conversations (id TEXT PRIMARY KEY, name TEXT, model TEXT);
CREATE TABLE responses (id TEXT PRIMARY KEY, model TEXT, prompt TEXT, system TEXT, prompt_json TEXT, options_json TEXT,
  response TEXT, response_json TEXT, conversation_id TEXT, duration_ms INTEGER, datetime_utc TEXT);
INSERT INTO conversations VALUES ('01h5', 'Mean of prices', 'llama2');
INSERT INTO responses VALUES ('r1', 'llama2', 'Why?', 'Be brief.', NULL, NULL, 'Because of *refunds*.', NULL, '01h5', 1500,
  '2023-07-12T16:01:01.000000');
"""


def write_json(path: Path, data: object) -> Path:
    """Write what a program exports as JSON, and return the path."""
    path.write_text(json.dumps(data), encoding="utf-8")
    return path


def write_llm(path: Path, *, is_old: bool = False) -> Path:
    """Write a log of llm, of 0.36 or of the first versions, and return its path."""
    with closing(sqlite3.connect(path)) as database:
        database.executescript(_RESPONSES if is_old else _STORE)
        database.commit()
    return path
