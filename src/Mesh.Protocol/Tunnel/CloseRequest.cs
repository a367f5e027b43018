using System.Buffers;
using System.Diagnostics.CodeAnalysis;

namespace Mesh.Protocol.Tunnel;

/// <summary>Asks the peer to move its traffic away from the tunnel, and to say when that is done.</summary>
/// <remarks><code>reason u8 | text length u8 | text, UTF-8 without control characters</code></remarks>
/// <param name="Reason">What a program acts on.</param>
/// <param name="Text">What a person reads in the log; at most 255 octets as UTF-8.</param>
public sealed record CloseRequest(CloseReason Reason, string Text)
{
    /// <summary>Kind of the frame.</summary>
    public const byte Kind = 7;

    /// <summary>Reads the payload of a frame.</summary>
    public static bool TryDecode(ReadOnlySpan<byte> payload, [NotNullWhen(true)] out CloseRequest? request)
    {
        request = CloseText.TryDecode(payload, out CloseReason reason, out string? text) ? new CloseRequest(reason, text) : null;
        return request is not null;
    }

    /// <summary>Writes the whole frame.</summary>
    /// <exception cref="ArgumentException">The text has control characters or is too long: a bug on our side.</exception>
    public void Encode(IBufferWriter<byte> output) => CloseText.Encode(output, Kind, Reason, Text);
}
