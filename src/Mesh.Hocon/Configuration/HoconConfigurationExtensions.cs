using Microsoft.Extensions.Configuration;

namespace Mesh.Hocon.Configuration;

/// <summary>Adds HOCON files to a configuration builder.</summary>
public static class HoconConfigurationExtensions
{
    /// <summary>Adds a HOCON file; later sources override earlier ones.</summary>
    /// <param name="builder">The builder.</param>
    /// <param name="path">The file, relative to the builder's base path.</param>
    /// <param name="optional">A missing file is as good as an empty one.</param>
    /// <param name="reloadOnChange">Read the file again when it changes (not when an included file does).</param>
    /// <param name="options">Includes, environment and limits; default: includes from the file system, no environment.</param>
    public static IConfigurationBuilder AddHoconFile(
        this IConfigurationBuilder builder, string path, bool optional = false, bool reloadOnChange = false, HoconOptions? options = null)
    {
        return builder.Add<HoconConfigurationSource>(source =>
        {
            (source.Path, source.Optional, source.ReloadOnChange) = (path, optional, reloadOnChange);
            source.Options = options ?? source.Options;
            source.ResolveFileProvider();
        });
    }
}
