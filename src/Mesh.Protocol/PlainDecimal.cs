namespace Mesh.Protocol;

/// <summary>Decimal numbers as the protocols write them: ASCII digits only, no sign, no blank, no leading zero. One text per number.</summary>
internal static class PlainDecimal
{
    public static bool TryParse(ReadOnlySpan<char> text, UInt128 max, out UInt128 value)
    {
        value = 0;
        if (text.IsEmpty || (text.Length > 1 && text[0] == '0'))
            return false;
        foreach (char digit in text)
        {
            if (!char.IsAsciiDigit(digit))
                return false;
            UInt128 addend = (UInt128)(digit - '0');
            if (addend > max || value > (max - addend) / 10)
                return false;
            value = (value * 10) + addend;
        }
        return true;
    }
}
