using System.Buffers;
using System.Diagnostics.CodeAnalysis;

namespace Mesh.Protocol.Tunnel;

/// <summary>Says that the sender has moved its traffic away, so that the tunnel may be cut; or that it cannot.</summary>
/// <remarks><code>reason u8 | text length u8 | text, UTF-8 without control characters [| round u32, big-endian | agrees u8, 0 or 1]</code>
/// The last two are there only where the request had a round. Without them the sender agrees.</remarks>
/// <param name="Reason">The reason of the request, or why it is cut at once.</param>
/// <param name="Text">What a person reads in the log; at most 255 octets as UTF-8.</param>
public sealed record CloseAnswer(CloseReason Reason, string Text)
{
    /// <summary>Kind of the frame.</summary>
    public const byte Kind = 8;

    /// <summary>The request's number, or null where it had none.</summary>
    public uint? Round { get; init; }

    /// <summary>False: the sender still needs the tunnel. That can only be said to a request with a number.</summary>
    public bool Agrees { get; init; } = true;

    /// <summary>Reads the payload of a frame.</summary>
    public static bool TryDecode(ReadOnlySpan<byte> payload, [NotNullWhen(true)] out CloseAnswer? answer)
    {
        answer = null;
        var reader = new WireReader(payload);
        if (!CloseText.TryDecode(ref reader, out CloseReason reason, out string? text))
            return false;
        uint round = 0;
        byte agrees = 1;
        bool hasRound = reader.Remaining > 0;
        if (hasRound && (!reader.TryReadUInt32(out round) || !reader.TryReadByte(out agrees) || agrees > 1 || reader.Remaining > 0))
            return false;
        answer = new CloseAnswer(reason, text) { Round = hasRound ? round : null, Agrees = agrees == 1 };
        return true;
    }

    /// <summary>Writes the whole frame.</summary>
    /// <exception cref="ArgumentException">The text has control characters or is too long: a bug on our side.</exception>
    /// <exception cref="InvalidOperationException">It refuses a request without number: a bug on our side.</exception>
    public void Encode(IBufferWriter<byte> output)
    {
        if (Round is null && !Agrees)
            throw new InvalidOperationException("Only a request with a number can be refused.");
        FrameWriter writer = CloseText.Begin(output, Kind, Reason, Text, Round is null ? 0 : sizeof(uint) + 1);
        if (Round is { } round)
        {
            writer.Write(round);
            writer.Write(Agrees ? (byte)1 : (byte)0);
        }

        writer.Complete();
    }
}
