"""Structural OpenAPI schemas from msgspec models. Knows Kubernetes' rules for them, no kind.

Objects keep the fields that a model does not know, unless they are closed. Closed is what names every field
of the real API: of an object that keeps unknown fields `kubectl explain` tells nothing, and of a closed one
kubectl refuses a misspelt field by its name.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from enum import Enum
from typing import Any

import msgspec
from msgspec import inspect

Schema = dict[str, Any]

ANYTHING: Schema = {"x-kubernetes-preserve-unknown-fields": True}
STRING: Schema = {"type": "string"}
BOOLEAN: Schema = {"type": "boolean"}
INTEGER: Schema = {"type": "integer", "format": "int64"}
TIME: Schema = {"type": "string", "format": "date-time"}
STRINGS: Schema = {"type": "object", "additionalProperties": {"type": "string"}}


def open_object(
    properties: Schema, *, required: tuple[str, ...] = (), description: str = "", nullable: bool = False
) -> Schema:
    """An object that keeps unknown fields."""
    schema: Schema = {"type": "object"}
    if description:
        schema["description"] = description
    if nullable:
        schema["nullable"] = True
    if required:
        schema["required"] = list(required)
    if properties:
        schema["properties"] = properties
    schema["x-kubernetes-preserve-unknown-fields"] = True
    return schema


def closed(schema: Schema) -> Schema:
    """The object without the fields it does not know: an API server prunes them, and explains the others."""
    return {name: part for name, part in schema.items() if name != "x-kubernetes-preserve-unknown-fields"}


def closed_below(schema: Schema) -> Schema:
    """The schema with every object closed in it that names its fields."""
    made = closed(schema) if schema.get("properties") else dict(schema)
    if "properties" in made:
        made["properties"] = {name: closed_below(part) for name, part in made["properties"].items()}
    for inner in ("items", "additionalProperties"):
        if inner in made:
            made[inner] = closed_below(made[inner])
    return made


def list_of(items: Schema, *, description: str = "") -> Schema:
    """An array."""
    schema: Schema = {"type": "array", "items": items}
    return {"description": description, **schema} if description else schema


def of_model(
    model: type[msgspec.Struct], fields: Mapping[type, Mapping[str, Mapping[str, Any]]] | None = None
) -> Schema:
    """The schema of a model, without defaults: an API server that fills them in changes what people
    have written, so each default is named where it is wanted.

    `fields`: what a schema says of the fields of each model, by their names on the wire."""
    return _schema(inspect.type_info(model), fields or {})


def with_default(schema: Schema, path: str, value: object) -> Schema:
    """The schema with the default of one property, given by its dotted path."""
    *parents, last = path.split(".")
    inner = schema
    for name in parents:
        inner = inner["properties"][name]
    inner["properties"][last] = {**inner["properties"][last], "default": value}
    return schema


def _schema(type_: inspect.Type, told: Mapping[type, Mapping[str, Mapping[str, Any]]]) -> Schema:
    match type_:
        case inspect.StructType(cls=cls, fields=fields):
            return open_object(
                {
                    field.encode_name: {
                        **_schema(field.type, told),
                        **told.get(cls, {}).get(field.encode_name, {}),
                    }
                    for field in fields
                },
                required=tuple(field.encode_name for field in fields if field.required),
                description=_first_sentence(cls),
            )
        case inspect.EnumType(cls=cls):
            return {"type": "string", "enum": [member.value for member in _members(cls)]}
        case inspect.LiteralType(values=values):
            return {"type": "string", "enum": list(values)}
        case inspect.UnionType(types=types):
            some = [one for one in types if not isinstance(one, inspect.NoneType)]
            return _schema(some[0], told) if len(some) == 1 else dict(ANYTHING)
        case inspect.DictType(value_type=value):
            return {"type": "object", "additionalProperties": _schema(value, told)}
        case inspect.VarTupleType(item_type=item) | inspect.ListType(item_type=item):
            return list_of(_schema(item, told))
        case inspect.BoolType():
            return dict(BOOLEAN)
        case inspect.IntType():
            return dict(INTEGER)
        case inspect.StrType():
            return dict(STRING)
        case inspect.TimeDeltaType():
            return dict(STRING)  # a Go duration on the wire
        case _:
            return dict(ANYTHING)


def _members(cls: type[Enum]) -> list[Enum]:
    return [*cls]


def _first_sentence(cls: type) -> str:
    return (cls.__doc__ or "").strip().splitlines()[0]


def go_duration(value: timedelta) -> str:
    """A duration as Go writes it: 1h0m0s."""
    seconds = int(value.total_seconds())
    return f"{seconds // 3600}h{seconds // 60 % 60}m{seconds % 60}s"
