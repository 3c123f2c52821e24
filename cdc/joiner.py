"""A batch of the engine's records → one byte string, put together inside Java.

Crossing from Python into Java costs more than making a line does. So the way from a record to its line is composed of
method handles, once, and a batch is one pass of a Java stream: five crossings a batch instead of several a record.
"""

from collections.abc import Iterable
from typing import Any, Final

import jpype
from jpype import JArray, JClass, JInt

_ENVELOPE: Final = "io.debezium.embedded.EmbeddedEngineChangeEvent"


class Joiner:
    """Makes lines `[key, value]`, and `[key, value, offset]` for the records of the given topics."""

    def __init__(self, with_offset: Iterable[str]) -> None:
        self._line = _line(list(with_offset))
        self._lines = JClass("java.util.stream.Collectors").joining("\n")
        self._utf8 = JClass("java.nio.charset.StandardCharsets").UTF_8

    def join(self, records: Any) -> memoryview:
        """The lines of a `List<ChangeEvent>`, in UTF-8."""
        return memoryview(records.stream().map(self._line).collect(self._lines).getBytes(self._utf8))


def _line(with_offset: list[str]) -> Any:
    """A `Function<ChangeEvent, String>`."""
    handles = JClass("java.lang.invoke.MethodHandles")
    key, value, offset = _method("key", "java.lang.Object"), _method("value", "java.lang.Object"), _offset()
    short, long = _array(key, value), _array(key, value, offset)
    line = handles.guardWithTest(_destination_is_one_of(with_offset), long, short)
    proxies = JClass("java.lang.invoke.MethodHandleProxies")
    return proxies.asInterfaceInstance(JClass("java.util.function.Function").class_, line)


def _array(*columns: Any) -> Any:
    """Record → the JSON array of the columns: how Java writes a list of texts is JSON when the texts are."""
    handles, objects = JClass("java.lang.invoke.MethodHandles"), JArray(JClass("java.lang.Object")).class_
    as_list = _find_static("java.util.Arrays", "asList", _type("java.util.List", objects))
    text = _find_static("java.lang.String", "valueOf", _type("java.lang.String", "java.lang.Object"))
    write = handles.filterReturnValue(as_list, text.asType(_type("java.lang.String", "java.util.List")))
    write = write.asCollector(objects, len(columns))
    loose = [column.asType(_type("java.lang.Object", _ENVELOPE)) for column in columns]
    filtered = handles.filterArguments(write, 0, JArray(JClass("java.lang.invoke.MethodHandle"))(loose))
    return handles.permuteArguments(filtered, _type("java.lang.String", _ENVELOPE), JArray(JInt)([0] * len(columns)))


def _offset() -> Any:
    """Record → its source offset as compact JSON."""
    filter_return = JClass("java.lang.invoke.MethodHandles").filterReturnValue
    record = "org.apache.kafka.connect.source.SourceRecord"
    offset = _find(record, "sourceOffset", _type("java.util.Map"))
    mapper = JClass("com.fasterxml.jackson.databind.ObjectMapper")()
    write = _find(mapper, "writeValueAsString", _type("java.lang.String", "java.lang.Object")).bindTo(mapper)
    found = filter_return(_method("sourceRecord", record), offset)
    return filter_return(found, write.asType(_type("java.lang.String", "java.util.Map")))


def _destination_is_one_of(topics: list[str]) -> Any:
    names = JClass("java.util.HashSet")(topics)
    contains = _find("java.util.Set", "contains", _type("boolean", "java.lang.Object")).bindTo(names)
    contains = contains.asType(_type("boolean", "java.lang.String"))
    return JClass("java.lang.invoke.MethodHandles").filterReturnValue(
        _method("destination", "java.lang.String"), contains
    )


def _method(name: str, returns: str) -> Any:
    return _find(_ENVELOPE, name, _type(returns))


def _find(owner: Any, name: str, signature: Any) -> Any:
    lookup = JClass("java.lang.invoke.MethodHandles").publicLookup()
    return lookup.findVirtual(_class(owner), name, signature)


def _find_static(owner: str, name: str, signature: Any) -> Any:
    return JClass("java.lang.invoke.MethodHandles").publicLookup().findStatic(_class(owner), name, signature)


def _type(returns: Any, *parameters: Any) -> Any:
    classes = JArray(JClass("java.lang.Class"))([_class(each) for each in parameters])
    return JClass("java.lang.invoke.MethodType").methodType(_class(returns), classes)


def _class(what: Any) -> Any:
    """A name, an object or a class → its `java.lang.Class`."""
    if what == "boolean":
        return JClass("java.lang.Boolean").TYPE
    if isinstance(what, str):
        return JClass(what).class_
    return what if isinstance(what, jpype.JClass("java.lang.Class")) else what.getClass()
