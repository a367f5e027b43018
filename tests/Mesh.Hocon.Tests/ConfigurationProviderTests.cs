using Mesh.Hocon.Configuration;
using Microsoft.Extensions.Configuration;

namespace Mesh.Hocon.Tests;

public sealed class ConfigurationProviderTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("mesh-hocon-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void A_file_becomes_flat_keys()
    {
        Write("extra.conf", "more = ${node.name}");
        Write("node.conf", "node { name = a, ports = [1, 2], on = true, none = null, empty = {}, nothing = [] }\ninclude \"extra.conf\"");
        IConfigurationRoot configuration = Build("node.conf");
        Assert.Equal("a", configuration["node:name"]);
        Assert.Equal("2", configuration["node:ports:1"]);
        Assert.True(configuration.GetValue<bool>("NODE:ON"));
        Assert.Null(configuration["node:none"]);
        Assert.Equal(string.Empty, configuration["node:nothing"]);
        Assert.Equal("a", configuration["more"]);
        Assert.Equal([1, 2], configuration.GetSection("node:ports").Get<int[]>()!);
    }

    [Fact]
    public void Later_files_override_earlier_ones()
    {
        Write("one.conf", "a = 1, b = 1");
        Write("two.conf", "b = 2");
        IConfigurationRoot configuration = Build("one.conf", "two.conf");
        Assert.Equal(("1", "2"), (configuration["a"], configuration["b"]));
    }

    [Fact]
    public void A_missing_file_is_an_error_unless_it_is_optional()
    {
        _ = Assert.Throws<FileNotFoundException>(() => Build("none.conf"));
        Assert.Empty(new ConfigurationBuilder().SetBasePath(_folder).AddHoconFile("none.conf", optional: true).Build().AsEnumerable());
    }

    [Theory]
    [InlineData("a = 1\nb = }", 2, 5)]
    [InlineData("a = ${missing}", 1, 5)]
    [InlineData("[1]", 1, 1)]
    public void A_file_that_is_wrong_names_the_place(string text, int line, int column)
    {
        Write("bad.conf", text);
        InvalidDataException failure = Assert.Throws<InvalidDataException>(() => Build("bad.conf"));
        var inner = Assert.IsType<HoconException>(failure.InnerException);
        Assert.Equal((Path.Combine(_folder, "bad.conf"), line, column), (inner.File, inner.Line, inner.Column));
    }

    private void Write(string name, string text) => File.WriteAllText(Path.Combine(_folder, name), text);

    private IConfigurationRoot Build(params string[] files)
    {
        IConfigurationBuilder builder = new ConfigurationBuilder().SetBasePath(_folder);
        foreach (string file in files)
            builder = builder.AddHoconFile(file);
        return builder.Build();
    }
}
