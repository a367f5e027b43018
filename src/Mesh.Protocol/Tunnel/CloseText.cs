using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using System.Text;
using System.Text.Unicode;

namespace Mesh.Protocol.Tunnel;

/// <summary>The body that both closing messages have.</summary>
internal static class CloseText
{
    /// <param name="reader">Stands behind the text afterwards.</param>
    /// <param name="reason">What a program acts on.</param>
    /// <param name="text">What a person reads.</param>
    public static bool TryDecode(ref WireReader reader, out CloseReason reason, [NotNullWhen(true)] out string? text)
    {
        reason = default;
        text = null;
        if (!reader.TryReadByte(out byte code) || !reader.TryReadByte(out byte length)
            || !reader.TryReadBytes(length, out ReadOnlySpan<byte> octets)
            || !Utf8.IsValid(octets))
        {
            return false;
        }
        string decoded = Encoding.UTF8.GetString(octets);
        // It ends up in a log, where a line feed or an escape sequence would forge an entry.
        if (HasControls(decoded))
            return false;
        (reason, text) = ((CloseReason)code, decoded);
        return true;
    }

    /// <summary>Writes a frame with <paramref name="further"/> octets behind the text, which the caller writes before it completes the frame.</summary>
    public static FrameWriter Begin(IBufferWriter<byte> output, byte kind, CloseReason reason, string text, int further)
    {
        byte[] octets = Encoding.UTF8.GetBytes(text);
        if (octets.Length > byte.MaxValue || HasControls(text))
            throw new ArgumentException("The text of a closing message has at most 255 octets and no control characters.", nameof(text));
        var writer = new FrameWriter(output, kind, 2 + octets.Length + further);
        writer.Write((byte)reason);
        writer.Write((byte)octets.Length);
        writer.Write(octets);
        return writer;
    }

    private static bool HasControls(string text)
    {
        foreach (char character in text)
        {
            if (char.IsControl(character))
                return true;
        }
        return false;
    }
}
