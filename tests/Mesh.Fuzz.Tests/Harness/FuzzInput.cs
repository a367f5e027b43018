using System.Text;

namespace Mesh.Fuzz.Tests.Harness;

/// <summary>What a decoder is given: octets, and for decoders of text the text that they stand for.</summary>
/// <param name="Octets">What is mutated, minimised and printed.</param>
/// <param name="Text">See <see cref="TextOf"/>; empty for decoders of octets.</param>
internal sealed record FuzzInput(byte[] Octets, string Text)
{
    // Stand in for octets that are no UTF-8, so that mutations of octets reach characters that programs get wrong.
    private static readonly char[] Odd =
    [
        '\uD800', '\uDC00', '\uDBFF', '\uDFFF', '\0', '\u0001', '\u001B', '\u007F', '\u0085', '\u00A0', '\u00B2', '\u00E9', '\u0130', '\u0131', '\u0660', '\u0669',
        '\u2003', '\u2028', '\u2029', '\u202E', '\u212A', '\uFEFF', '\uFF10', '\uFF19', '\uFF0E', '\uFFFD', '\uFFFF', '\u0301', '\u3007', '\u2044', '\u00AD', '\u180E',
    ];

    /// <summary>An input for a target of this kind.</summary>
    public static FuzzInput Of(byte[] octets, bool isText) => new(octets, isText ? TextOf(octets) : "");

    /// <summary>Octets as UTF-8; each that is none becomes one of a few odd characters: surrogates without a partner, controls, digits of other scripts.</summary>
    public static string TextOf(ReadOnlySpan<byte> octets)
    {
        var text = new StringBuilder(octets.Length);
        Span<char> units = stackalloc char[2];
        while (!octets.IsEmpty)
        {
            if (Rune.DecodeFromUtf8(octets, out Rune rune, out int consumed) == System.Buffers.OperationStatus.Done)
                _ = text.Append(units[..rune.EncodeToUtf16(units)]);
            else
                (consumed, _) = (1, text.Append(Odd[octets[0] % Odd.Length]));
            octets = octets[consumed..];
        }

        return text.ToString();
    }
}
