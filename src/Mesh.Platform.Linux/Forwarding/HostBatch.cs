using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Mesh.DataPlane;
using Mesh.DataPlane.Offload;
using Mesh.Platform.Linux.Native;
using Mesh.Platform.Linux.Tun;

namespace Mesh.Platform.Linux.Forwarding;

/// <summary>Hands packets to the host's stack, those that belong together as one super-packet, out of the memory they were received in. Used by one thread.</summary>
/// <remarks>The order of packets is kept: one that cannot be joined to those before sends these first.</remarks>
internal sealed unsafe class HostBatch(TunDevice device, DataPlaneEngine engine) : IDisposable
{
    private readonly Libc.IoVector* _parts = (Libc.IoVector*)NativeMemory.AllocZeroed(PacketJoiner.MaxPackets, (nuint)sizeof(Libc.IoVector));
    private PacketJoiner _joiner;
    private byte* _head;
    private int _headLength, _count;

    /// <summary>Adds a packet. It lies in memory that does not move, stays there until <see cref="Flush"/>, and has <see cref="VirtioNetHeader.Length"/> octets before it that
    /// nobody needs.</summary>
    public void Add(Span<byte> packet)
    {
        byte* start = (byte*)Unsafe.AsPointer(ref MemoryMarshal.GetReference(packet));
        if (_count > 0 && _joiner.TryJoin(new ReadOnlySpan<byte>(_head, _headLength), packet))
        {
            _parts[_count++] = new Libc.IoVector { Start = start + _joiner.HeaderLength, Length = (nuint)(packet.Length - _joiner.HeaderLength) };
            return;
        }
        Flush();
        _head = start;
        (_headLength, _count) = (packet.Length, 1);
        _parts[0] = new Libc.IoVector { Start = start - VirtioNetHeader.Length, Length = (nuint)(packet.Length + VirtioNetHeader.Length) };
        if (device.Offload == TunOffload.None)
            _joiner = default;
        else
            _joiner.Begin(packet, joinsUdp: device.Offload == TunOffload.TcpAndUdp);
    }

    /// <summary>Writes what is there.</summary>
    public void Flush()
    {
        if (_count == 0)
            return;
        VirtioNetHeader header = _count > 1 ? _joiner.Finish(new Span<byte>(_head, _headLength)) : default;
        header.Write(new Span<byte>(_head - VirtioNetHeader.Length, VirtioNetHeader.Length));
        if (!device.TryWrite(_parts, _count))
            engine.CountDropped(DropReason.HostRefused, _count);
        _count = 0;
    }

    public void Dispose() => NativeMemory.Free(_parts);
}
