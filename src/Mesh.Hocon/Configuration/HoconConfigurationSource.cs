using Microsoft.Extensions.Configuration;

namespace Mesh.Hocon.Configuration;

/// <summary>A HOCON file as a source of Microsoft.Extensions.Configuration.</summary>
public sealed class HoconConfigurationSource : FileConfigurationSource
{
    /// <summary>Includes, environment and limits. Default: includes from the file system, no environment.</summary>
    public HoconOptions Options { get; set; } = HoconOptions.Default with { Loader = FileHoconLoader.Instance };

    /// <inheritdoc/>
    public override IConfigurationProvider Build(IConfigurationBuilder builder)
    {
        EnsureDefaults(builder);
        return new HoconConfigurationProvider(this);
    }
}
