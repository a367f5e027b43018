using System.Buffers;
using System.Diagnostics.CodeAnalysis;

namespace Mesh.Protocol.Tunnel;

/// <summary>Asks the peer to move its traffic away from the tunnel, and to say when that is done.</summary>
/// <remarks><code>reason u8 | text length u8 | text, UTF-8 without control characters [| round u32, big-endian]</code>
/// The round is there only where both ends know <see cref="TunnelCapabilities.OrderlyClose"/>: the receiver may take its time then, and may refuse.</remarks>
/// <param name="Reason">What a program acts on.</param>
/// <param name="Text">What a person reads in the log; at most 255 octets as UTF-8.</param>
public sealed record CloseRequest(CloseReason Reason, string Text)
{
    /// <summary>Kind of the frame.</summary>
    public const byte Kind = 7;

    /// <summary>Number of the request, which its answer repeats; null: the tunnel ends in any case.</summary>
    public uint? Round { get; init; }

    /// <summary>Reads the payload of a frame.</summary>
    public static bool TryDecode(ReadOnlySpan<byte> payload, [NotNullWhen(true)] out CloseRequest? request)
    {
        request = null;
        var reader = new WireReader(payload);
        if (!CloseText.TryDecode(ref reader, out CloseReason reason, out string? text))
            return false;
        uint round = 0;
        bool hasRound = reader.Remaining > 0;
        if (hasRound && (!reader.TryReadUInt32(out round) || reader.Remaining > 0))
            return false;
        request = new CloseRequest(reason, text) { Round = hasRound ? round : null };
        return true;
    }

    /// <summary>Writes the whole frame.</summary>
    /// <exception cref="ArgumentException">The text has control characters or is too long: a bug on our side.</exception>
    public void Encode(IBufferWriter<byte> output)
    {
        FrameWriter writer = CloseText.Begin(output, Kind, Reason, Text, Round is null ? 0 : sizeof(uint));
        if (Round is { } round)
            writer.Write(round);
        writer.Complete();
    }
}
