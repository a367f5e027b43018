using System.Buffers;
using System.Diagnostics.CodeAnalysis;

namespace Mesh.Protocol.Tunnel;

/// <summary>Says that the sender has moved its traffic away: the tunnel may be cut.</summary>
/// <remarks><code>reason u8 | text length u8 | text, UTF-8 without control characters</code></remarks>
/// <param name="Reason">The reason of the request, or why it is cut at once.</param>
/// <param name="Text">What a person reads in the log; at most 255 octets as UTF-8.</param>
public sealed record CloseAnswer(CloseReason Reason, string Text)
{
    /// <summary>Kind of the frame.</summary>
    public const byte Kind = 8;

    /// <summary>Reads the payload of a frame.</summary>
    public static bool TryDecode(ReadOnlySpan<byte> payload, [NotNullWhen(true)] out CloseAnswer? answer)
    {
        answer = CloseText.TryDecode(payload, out CloseReason reason, out string? text) ? new CloseAnswer(reason, text) : null;
        return answer is not null;
    }

    /// <summary>Writes the whole frame.</summary>
    /// <exception cref="ArgumentException">The text has control characters or is too long: a bug on our side.</exception>
    public void Encode(IBufferWriter<byte> output) => CloseText.Encode(output, Kind, Reason, Text);
}
