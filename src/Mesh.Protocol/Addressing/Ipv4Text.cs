namespace Mesh.Protocol.Addressing;

/// <summary>The dotted quad. Only the plain decimal form: no octal, no hexadecimal, no leading zero, no missing part.</summary>
public static class Ipv4Text
{
    /// <summary>Reads four decimal numbers of 0..255 into a number in network order.</summary>
    public static bool TryParse(ReadOnlySpan<char> text, out uint value)
    {
        value = 0;
        for (int part = 0; part < 4; part++)
        {
            int dot = text.IndexOf('.');
            if (dot < 0 != (part == 3))
                return false;
            ReadOnlySpan<char> digits = dot < 0 ? text : text[..dot];
            if (digits.Length is 0 or > 3 || (digits.Length > 1 && digits[0] == '0'))
                return false;
            uint octet = 0;
            foreach (char digit in digits)
            {
                if (!char.IsAsciiDigit(digit))
                    return false;
                octet = (octet * 10) + (uint)(digit - '0');
            }
            if (octet > byte.MaxValue)
                return false;
            value = (value << 8) | octet;
            text = dot < 0 ? default : text[(dot + 1)..];
        }
        return true;
    }

    /// <summary>The dotted quad of a number in network order.</summary>
    public static string Format(uint value) => $"{value >> 24}.{(value >> 16) & 0xFF}.{(value >> 8) & 0xFF}.{value & 0xFF}";
}
