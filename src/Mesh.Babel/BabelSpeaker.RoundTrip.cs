using System.Runtime.InteropServices;
using Mesh.Babel.Neighbours;
using Mesh.Babel.Wire;

namespace Mesh.Babel;

/// <content>Round-trip times (RFC 9616), and the Hellos and IHUs that carry them.</content>
public sealed partial class BabelSpeaker
{
    /// <summary>RFC 9616 section 3.3: samples are of no use after three minutes. Where IHUs are as rare as that, they are used as long as the IHU.</summary>
    private static readonly TimeSpan SampleLife = TimeSpan.FromMinutes(3);

    private PacketTimestamps _stamps;

    /// <summary>Changes what the round-trip time adds to costs on an interface. Routes follow with hysteresis; samples are kept unless measuring ends.</summary>
    /// <param name="id">The interface.</param>
    /// <param name="rtt">The new parameters; null ends measuring.</param>
    /// <param name="now">Monotonic time.</param>
    /// <returns>False where there is no such interface.</returns>
    /// <exception cref="ArgumentException">The parameters cannot be used: one message with every problem.</exception>
    public bool SetRtt(InterfaceId id, RttParameters? rtt, TimeSpan now)
    {
        if (FindInterface(id) is not { } link)
            return false;
        ThrowIfAny(rtt?.Problems() ?? [], nameof(rtt));
        if (rtt == link.Parameters.Rtt)
            return true;
        BeginInput(now);
        link.SetRtt(rtt);
        link.Touch();
        foreach (Neighbour neighbour in link.Neighbours)
        {
            if (rtt is null)
                neighbour.RoundTrip.ForgetSamples();
            RefreshCost(neighbour, SelectionRule.Hysteresis);
        }

        EndInput();
        return true;
    }

    /// <summary>Writes the Hello and the IHUs that are due, with the time of now: nothing stands between this and the sending.</summary>
    /// <remarks>
    /// An IHU with a timestamp needs a Hello with one in the same packet (RFC 9616 section 3.2). Where none is due, the IHU goes without a timestamp: Hellos that leave together are lost
    /// together, and two that are lost end a link. Only where a Hello with IHUs for many neighbours takes several packets, each has one, unscheduled ones. One sub-TLV to a TLV, and no
    /// padding in it: babeld up to 1.12.1 takes the type of each sub-TLV from the first.
    /// </remarks>
    private void WriteHellos(BabelInterface link)
    {
        bool hasHello = link.HelloDue is { } interval && TryWriteHello(link, interval);
        bool echoes = hasHello && link.Parameters.Rtt is not null;
        link.HelloDue = null;
        if (!link.IsIhuDue)
            return;
        link.IsIhuDue = false;
        Span<byte> tlv = stackalloc byte[IhuTlv.MaxLength];
        foreach (Neighbour neighbour in link.Neighbours)
        {
            if (!neighbour.IsIhuDue)
                continue;
            neighbour.IsIhuDue = false;
            neighbour.AnnouncedRxCost = neighbour.RxCost;
            IhuTimestamp? echo = echoes ? neighbour.RoundTrip.Echo(_now) : null;
            AddressEncoding encoding = AddressCodec.EncodingOf(neighbour.Address);
            ReadOnlySpan<byte> ihu = tlv[..new IhuTlv(encoding, neighbour.RxCost, link.IhuCentiseconds, neighbour.Address).Encode(tlv, echo)];
            while (true)
            {
                hasHello |= echo is not null && !hasHello && TryWriteHello(link, interval: 0);
                if ((hasHello || echo is null) && _writer.TryAppend(ihu))
                    break;
                Emit(link, BabelAddress.Multicast);
                hasHello = false;
            }
        }
    }

    private bool TryWriteHello(BabelInterface link, ushort interval)
    {
        Span<byte> tlv = stackalloc byte[2 + HelloTlv.BodyLength + 2 + HelloTimestamp.BodyLength];
        HelloTimestamp? timestamp = link.Parameters.Rtt is null ? null : new HelloTimestamp(RoundTrip.ToMicroseconds(_now));
        if (!_writer.TryAppend(tlv[..new HelloTlv(link.HelloSeqno, interval).Encode(tlv, timestamp)]))
            return false;
        link.HelloSeqno = link.HelloSeqno.Next;
        return true;
    }

    private void NoteTimestamp(Neighbour neighbour, HelloTimestamp hello)
    {
        if (neighbour.Link.Parameters.Rtt is null)
            return;
        neighbour.RoundTrip.HelloReceived(hello, _stamps.Received, _now);
        _stamps.Hello = hello;
        TakeSample(neighbour);
    }

    private void NoteEcho(Neighbour neighbour, IhuTimestamp echo, TimeSpan hold)
    {
        if (neighbour.Link.Parameters.Rtt is null)
            return;
        (_stamps.Echo, _stamps.Hold) = (echo, hold);
        TakeSample(neighbour);
    }

    /// <summary>One sample for each packet that has both, whichever stands first.</summary>
    private void TakeSample(Neighbour neighbour)
    {
        if (_stamps.Hello is not { } hello || _stamps.Echo is not { } echo || neighbour.Link.Parameters.Rtt is not { } parameters)
            return;
        _stamps.Echo = null;
        if (!RoundTrip.TryMeasure(echo, hello, _stamps.Received, out long sample))
        {
            Count(BabelCounter.RttSamplesRefused);
            return;
        }

        Count(BabelCounter.RttSamples);
        neighbour.RoundTrip.Take(sample, parameters.Decay, _now + (_stamps.Hold > SampleLife ? _stamps.Hold : SampleLife));
    }

    /// <summary>The timestamps of the packet that is being read.</summary>
    [StructLayout(LayoutKind.Auto)]
    private struct PacketTimestamps
    {
        /// <summary>When it came, in µs.</summary>
        public uint Received;

        /// <summary>Its Hello's.</summary>
        public HelloTimestamp? Hello;

        /// <summary>Its IHU's, if that is for us.</summary>
        public IhuTimestamp? Echo;

        /// <summary>How long that IHU is good.</summary>
        public TimeSpan Hold;
    }
}
