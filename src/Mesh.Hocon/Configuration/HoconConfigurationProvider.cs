using System.Globalization;
using System.Text;
using Microsoft.Extensions.Configuration;

namespace Mesh.Hocon.Configuration;

/// <summary>Flattens a HOCON file to keys such as <c>node:tunnels:0:port</c>, as the JSON provider of the framework does.</summary>
/// <remarks>
/// A null is a key without value, an empty object a key without value, an empty array a key with an empty value. A file that is not HOCON
/// fails to load with the <see cref="HoconException"/> inside. Included files are not watched for changes, only the file itself.
/// </remarks>
public sealed class HoconConfigurationProvider(HoconConfigurationSource source) : FileConfigurationProvider(source)
{
    private static readonly UTF8Encoding StrictUtf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    /// <inheritdoc/>
    public override void Load(Stream stream)
    {
        string name = Source.FileProvider?.GetFileInfo(Source.Path ?? string.Empty).PhysicalPath ?? Source.Path ?? "input";
        HoconOptions options = ((HoconConfigurationSource)Source).Options;
        string text;
        try
        {
            using var reader = new StreamReader(stream, StrictUtf8, detectEncodingFromByteOrderMarks: false);
            text = reader.ReadToEnd();
        }
        catch (DecoderFallbackException)
        {
            throw new HoconException(new HoconOrigin(HoconSource.File, name, 1, 1), "the file is not valid UTF-8", "UTF-8");
        }
        HoconValue root = HoconDocument.Parse(text, name, options).Resolve(options);
        if (root is not HoconObject tree)
            throw new HoconException(root.Origin, "a configuration file must contain an object, not an array", "an object");
        var data = new Dictionary<string, string?>(StringComparer.OrdinalIgnoreCase);
        foreach (HoconField field in tree.Fields)
            Flatten(data, field.Key, field.Value);
        Data = data;
    }

    private static void Flatten(Dictionary<string, string?> data, string path, HoconValue value)
    {
        switch (value)
        {
            case HoconScalar scalar:
                data[path] = scalar.Kind == HoconKind.Null ? null : scalar.Text;
                break;
            case HoconArray array:
                if (array.Items.Count == 0)
                    data[path] = string.Empty;
                for (int at = 0; at < array.Items.Count; at++)
                    Flatten(data, ConfigurationPath.Combine(path, at.ToString(CultureInfo.InvariantCulture)), array.Items[at]);
                break;
            case HoconObject tree:
                if (tree.Fields.Count == 0)
                    data[path] = null;
                foreach (HoconField field in tree.Fields)
                    Flatten(data, ConfigurationPath.Combine(path, field.Key), field.Value);
                break;
        }
    }
}
