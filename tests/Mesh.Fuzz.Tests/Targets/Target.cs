using System.Diagnostics.CodeAnalysis;
using System.Reflection;
using System.Text;
using Mesh.Fuzz.Tests.Harness;

namespace Mesh.Fuzz.Tests.Targets;

/// <summary>How most decoders of octets look.</summary>
internal delegate bool OctetDecoder<T>(ReadOnlySpan<byte> octets, [MaybeNullWhen(false)] out T value);

/// <summary>How most parsers look.</summary>
internal delegate bool TextDecoder<T>(ReadOnlySpan<char> text, [MaybeNullWhen(false)] out T value);

/// <summary>Makes targets of the usual kinds.</summary>
internal static class Target
{
    /// <summary>A decoder of octets that refuses with false.</summary>
    /// <param name="name">Area and format.</param>
    /// <param name="corpus">Inputs that are right.</param>
    /// <param name="decode">The decoder; where it is a method of the product, it counts as covered.</param>
    /// <param name="encode">The opposite, if there is one: what it makes of a decoded value has to decode to an equal one.</param>
    /// <param name="isEqual">What equal means, where the type does not say it.</param>
    /// <param name="isCanonical">Whether each value has one encoding, so that what is encoded again is the input.</param>
    public static FuzzTarget Octets<T>(
        string name, IEnumerable<byte[]> corpus, OctetDecoder<T> decode, Func<T, byte[]>? encode = null, Func<T, T, bool>? isEqual = null, bool isCanonical = false)
        where T : notnull => new(name, [.. corpus])
        {
            Prepare = input => () => decode(input.Octets, out T? value) ? value : null,
            Check = (input, value) => encode is null ? null
                : isCanonical && !encode((T)value).AsSpan().SequenceEqual(input.Octets) ? $"it is encoded as {Convert.ToHexString(encode((T)value))}"
                : RoundTrip(decode, encode, isEqual ?? EqualityComparer<T>.Default.Equals, (T)value),
            Covers = CoversOf(decode.Method),
        };

    /// <summary>A parser of text that refuses with false.</summary>
    public static FuzzTarget Text<T>(
        string name, IEnumerable<string> corpus, TextDecoder<T> parse, Func<T, string>? format = null, Func<T, T, bool>? isEqual = null, bool isCanonical = false)
        where T : notnull => new(name, Encode(corpus))
        {
            IsText = true,
            Prepare = input => () => parse(input.Text, out T? value) ? value : null,
            Check = (input, value) => format is null ? null
                : isCanonical && format((T)value) != input.Text ? $"it is written as '{format((T)value)}'"
                : RoundTrip(parse, format, isEqual ?? EqualityComparer<T>.Default.Equals, (T)value),
            Covers = CoversOf(parse.Method),
        };

    /// <summary>Any other code that is given octets. It returns null where it refuses them.</summary>
    public static FuzzTarget Octets(string name, IEnumerable<byte[]> corpus, Func<byte[], object?> run, params IReadOnlyList<string> covers) =>
        new(name, [.. corpus]) { Prepare = input => () => run(input.Octets), Covers = covers };

    /// <summary>Any other code that is given text. It returns null where it refuses it.</summary>
    public static FuzzTarget Text(string name, IEnumerable<string> corpus, Func<string, object?> run, params IReadOnlyList<string> covers) =>
        new(name, Encode(corpus)) { IsText = true, Prepare = input => () => run(input.Text), Covers = covers };

    /// <summary>Texts as what is mutated.</summary>
    public static IReadOnlyList<byte[]> Encode(IEnumerable<string> texts) => [.. texts.Select(Encoding.UTF8.GetBytes)];

    /// <summary>Words, as tokens, that are separated by blanks.</summary>
    public static IReadOnlyList<byte[]> Tokens(string words) => Encode(words.Split(' ', StringSplitOptions.RemoveEmptyEntries));

    private static IReadOnlyList<string> CoversOf(MethodInfo method) => method.DeclaringType!.Assembly == typeof(Target).Assembly ? [] : [Methods.Name(method)];

    private static string? RoundTrip<T>(OctetDecoder<T> decode, Func<T, byte[]> encode, Func<T, T, bool> isEqual, T value)
    {
        byte[] encoded = encode(value);
        if (!decode(encoded, out T? again))
            return $"{value} is encoded as {Convert.ToHexString(encoded)}, which is refused";
        if (!isEqual(value, again))
            return $"{value} is encoded as {Convert.ToHexString(encoded)}, which is decoded as {again}";
        byte[] second = encode(again);
        return encoded.AsSpan().SequenceEqual(second) ? null : $"{value} is encoded as {Convert.ToHexString(encoded)}, its copy as {Convert.ToHexString(second)}";
    }

    private static string? RoundTrip<T>(TextDecoder<T> parse, Func<T, string> format, Func<T, T, bool> isEqual, T value)
    {
        string text = format(value);
        if (!parse(text, out T? again))
            return $"a value is written as '{text}', which is refused";
        if (!isEqual(value, again))
            return $"a value is written as '{text}', which is read as '{format(again)}', another one";
        return format(again) == text ? null : $"a value is written as '{text}', its copy as '{format(again)}'";
    }
}
