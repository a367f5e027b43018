using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using System.Formats.Asn1;
using Mesh.Protocol.Addressing;

namespace Mesh.Security.Certificates;

/// <summary>One attribute of a name.</summary>
/// <param name="Type">Object identifier in dotted form.</param>
/// <param name="Value">The text, or null when the value is not of a string type.</param>
/// <param name="Encoded">The relative distinguished name that holds only this attribute, DER.</param>
internal sealed record NameAttribute(string Type, string? Value, ReadOnlyMemory<byte> Encoded);

/// <summary>A distinguished name (RFC 5280 section 4.1.2.4) as a flat list of attributes.</summary>
/// <remarks>Names with several attributes in one step are refused: tools disagree on which of them they show.</remarks>
internal sealed class SubjectName
{
    public const string CommonName = "2.5.4.3";
    public const string SerialNumber = "2.5.4.5";
    public const string EmailAddress = "1.2.840.113549.1.9.1";

    private const int MaxAttributes = 32;

    private SubjectName(ReadOnlyMemory<byte> encoded, ImmutableArray<NameAttribute> attributes)
    {
        Encoded = encoded;
        Attributes = attributes;
    }

    /// <summary>The whole name, DER.</summary>
    public ReadOnlyMemory<byte> Encoded { get; }

    public ImmutableArray<NameAttribute> Attributes { get; }

    /// <summary>Reads a name; false when it is malformed or has more than 32 attributes.</summary>
    public static bool TryParse(ReadOnlyMemory<byte> encoded, [NotNullWhen(true)] out SubjectName? name)
    {
        name = null;
        var attributes = ImmutableArray.CreateBuilder<NameAttribute>();
        try
        {
            var reader = new AsnReader(encoded, AsnEncodingRules.DER);
            AsnReader steps = reader.ReadSequence();
            reader.ThrowIfNotEmpty();
            while (steps.HasData)
            {
                ReadOnlyMemory<byte> step = steps.PeekEncodedValue();
                AsnReader set = steps.ReadSetOf();
                AsnReader attribute = set.ReadSequence();
                if (set.HasData || attributes.Count == MaxAttributes)
                    return false;
                string type = attribute.ReadObjectIdentifier();
                string? value = ReadText(attribute);
                attribute.ThrowIfNotEmpty();
                attributes.Add(new NameAttribute(type, value, step));
            }
        }
        catch (AsnContentException)
        {
            return false;
        }
        name = new SubjectName(encoded, attributes.ToImmutable());
        return true;
    }

    /// <summary>The values of a type, in their order.</summary>
    public ImmutableArray<string?> Values(string type) =>
        [.. Attributes.Where(attribute => attribute.Type == type).Select(static attribute => attribute.Value)];

    /// <summary>The name of a node: what it asked for, without any common name and serial number of its own, and with ours.</summary>
    public byte[] ForNode(NodePrefix prefix, uint? subjectSerial)
    {
        var writer = new AsnWriter(AsnEncodingRules.DER);
        using (writer.PushSequence())
        {
            foreach (NameAttribute attribute in Attributes)
            {
                if (attribute.Type is not (CommonName or SerialNumber))
                    writer.WriteEncodedValue(attribute.Encoded.Span);
            }
            Write(writer, CommonName, UniversalTagNumber.UTF8String, prefix.CommonName);
            if (subjectSerial is { } serial)
                Write(writer, SerialNumber, UniversalTagNumber.PrintableString, $"{serial}");
        }
        return writer.Encode();
    }

    /// <summary>A name from types and texts.</summary>
    public static byte[] Build(IEnumerable<(string Type, string Value)> attributes)
    {
        var writer = new AsnWriter(AsnEncodingRules.DER);
        using (writer.PushSequence())
        {
            foreach ((string type, string value) in attributes)
            {
                Write(writer, type, type switch
                {
                    EmailAddress => UniversalTagNumber.IA5String,
                    SerialNumber or CertificateRequestBuilder.CountryType => UniversalTagNumber.PrintableString,
                    _ => UniversalTagNumber.UTF8String,
                }, value);
            }
        }
        return writer.Encode();
    }

    private static void Write(AsnWriter writer, string type, UniversalTagNumber form, string value)
    {
        using (writer.PushSetOf())
        using (writer.PushSequence())
        {
            writer.WriteObjectIdentifier(type);
            writer.WriteCharacterString(form, value);
        }
    }

    private static string? ReadText(AsnReader attribute)
    {
        Asn1Tag tag = attribute.PeekTag();
        if (tag.TagClass == TagClass.Universal && !tag.IsConstructed
            && (UniversalTagNumber)tag.TagValue is UniversalTagNumber.UTF8String or UniversalTagNumber.PrintableString
                or UniversalTagNumber.IA5String or UniversalTagNumber.T61String or UniversalTagNumber.BMPString)
        {
            return attribute.ReadCharacterString((UniversalTagNumber)tag.TagValue);
        }
        _ = attribute.ReadEncodedValue();
        return null;
    }
}
