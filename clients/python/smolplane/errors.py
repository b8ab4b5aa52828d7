"""What the daemon says when it does not do something, as Python's own errors."""

from __future__ import annotations

import errno
import os
from collections.abc import Awaitable
from typing import Any, Protocol

import grpc
from google.protobuf import descriptor_pb2, descriptor_pool, message, message_factory

from smolplane.v1 import types_pb2


class Refusal(Exception):
    """What the daemon said. It is the `__cause__` of the OSError."""

    def __init__(self, code: grpc.StatusCode, text: str, info: types_pb2.ErrorInfo) -> None:
        super().__init__(text)
        self.code = code
        self.name: str = info.name
        """As in errno(3), such as "ECONNREFUSED"; empty if the daemon did not get to say."""
        self.field: str = info.field
        """The field of the request that is wrong, such as "open.remote.port"; empty if none is."""
        self.socket_id: int = info.socket_id
        """The socket concerned; 0 if none is."""


class DaemonUnavailableError(ConnectionError):
    """There is no daemon, or it ends; to try again may help. What becomes of its connections is not told any more."""


class FinishedCall(Protocol):
    """As much of a grpc.aio.Call as is needed here."""

    def code(self) -> Awaitable[grpc.StatusCode]: ...
    def details(self) -> Awaitable[str]: ...
    def trailing_metadata(self) -> Awaitable[Any]: ...


# For a status that came without an ErrorInfo: of gRPC itself, then, or of a proxy.
_ERRNO_OF_CODE = {
    grpc.StatusCode.CANCELLED: errno.ECONNABORTED,
    grpc.StatusCode.INVALID_ARGUMENT: errno.EINVAL,
    grpc.StatusCode.DEADLINE_EXCEEDED: errno.ETIMEDOUT,
    grpc.StatusCode.NOT_FOUND: errno.ENOENT,
    grpc.StatusCode.ALREADY_EXISTS: errno.EEXIST,
    grpc.StatusCode.PERMISSION_DENIED: errno.EACCES,
    grpc.StatusCode.UNAUTHENTICATED: errno.EACCES,
    grpc.StatusCode.RESOURCE_EXHAUSTED: errno.ENOBUFS,
    grpc.StatusCode.ABORTED: errno.ECONNRESET,
    grpc.StatusCode.UNIMPLEMENTED: errno.EOPNOTSUPP,
}


def _status_class() -> type[message.Message]:
    """google.rpc.Status, as far as it is read here. In a pool of its own, so that it is in nobody's way who has it
    from googleapis."""
    kind = descriptor_pb2.FieldDescriptorProto
    file = descriptor_pb2.FileDescriptorProto(name="google/rpc/status.proto", package="google.rpc", syntax="proto3")
    status = file.message_type.add(name="Status")
    detail = status.nested_type.add(name="Detail")  # on the wire, a google.protobuf.Any
    detail.field.add(name="type_url", number=1, type=kind.TYPE_STRING, label=kind.LABEL_OPTIONAL)
    detail.field.add(name="value", number=2, type=kind.TYPE_BYTES, label=kind.LABEL_OPTIONAL)
    status.field.add(name="details", number=3, type=kind.TYPE_MESSAGE, label=kind.LABEL_REPEATED,
                     type_name=".google.rpc.Status.Detail")
    pool = descriptor_pool.DescriptorPool()
    pool.AddSerializedFile(file.SerializeToString())
    return message_factory.MessageFactory(pool).GetPrototype(pool.FindMessageTypeByName("google.rpc.Status"))


_Status = _status_class()


def errno_of(name: str, number: int = 0) -> int:
    """On this system, of a name such as "ECONNREFUSED". `number`: Linux's, for a name that this system has not."""
    return getattr(errno, name, number or errno.EIO)


def error_of_name(name: str, text: str) -> OSError:
    """The OSError of an errno's name, of the subclass that Python has for it."""
    return OSError(errno_of(name), text or os.strerror(errno_of(name)))


def _info(metadata: Any) -> types_pb2.ErrorInfo:
    info = types_pb2.ErrorInfo()
    for key, value in metadata or ():
        if key != "grpc-status-details-bin":
            continue
        for detail in _Status.FromString(value).details:
            if detail.type_url.rpartition("/")[2] == info.DESCRIPTOR.full_name:
                return types_pb2.ErrorInfo.FromString(detail.value)
    return info


async def error_of_call(call: FinishedCall) -> OSError:
    """Why it ended. BrokenPipeError for one that ended in order: then somebody wanted to go on."""
    code = await call.code()
    if code is grpc.StatusCode.OK:
        return BrokenPipeError(errno.EPIPE, "the connection has ended")
    return error_of_status(code, await call.details(), await call.trailing_metadata())


def error_of_rpc(error: grpc.aio.AioRpcError) -> OSError:
    """Of a call that fails as a whole."""
    return error_of_status(error.code(), error.details() or "", error.trailing_metadata())


def error_of_status(code: grpc.StatusCode, text: str, metadata: Any) -> OSError:
    """Of a status that is not OK, with the Refusal as its cause."""
    info = _info(metadata)
    error: OSError
    if code is grpc.StatusCode.UNAVAILABLE:
        number = errno_of(info.name, info.errno_number) if info.name else errno.ECONNABORTED
        error = DaemonUnavailableError(number, text)
    elif info.name:
        error = OSError(errno_of(info.name, info.errno_number), text)
    else:
        error = OSError(_ERRNO_OF_CODE.get(code, errno.EIO), text)
    error.__cause__ = Refusal(code, text, info)
    return error
