using System.Runtime.Versioning;
using Mesh.Protocol.Addressing;
using Mesh.Registry.Http.Storage;
using Mesh.Security.Certificates;
using Mesh.Security.Keys;

namespace Mesh.Registry.Http.Tests.Storage;

[UnsupportedOSPlatform("windows")]
public sealed class RegistryDirectoryTests : IDisposable
{
    private static readonly NetworkPrefix Network = NetworkPrefix.Parse("2001:db8:42::/48");
    private static readonly NewAuthority Authority = new() { CommonName = "test network", EmailAddress = "re6st@example.com", Configuration = "registry { }\n" };
    private static readonly DateTimeOffset Now = new(2026, 3, 4, 5, 6, 7, TimeSpan.Zero);

    private readonly string _root = Directory.CreateTempSubdirectory("mesh-registry-").FullName;
    private readonly RegistryDirectory _directory;

    public RegistryDirectoryTests() => _directory = new RegistryDirectory(Path.Combine(_root, "deep", "registry"));

    public void Dispose() => Directory.Delete(_root, recursive: true);

    [Fact]
    public void Init_makes_a_network_that_loads()
    {
        _directory.Init(Network, Authority, Now);
        using CertificateAuthority loaded = _directory.Load();
        Assert.Equal(Network, loaded.Certificate.Network);
        Assert.Equal((Now, Now.AddDays(20 * 365)), (loaded.Certificate.NotBefore, loaded.Certificate.NotAfter));
        Assert.Equal("re6st@example.com", loaded.Certificate.EmailAddress);
        Assert.Equal("600", Mode(_directory.KeyPath));
        Assert.Equal("644", Mode(_directory.CertificatePath));
        Assert.Equal("644", Mode(_directory.ConfigurationPath));
        Assert.Equal("700", Mode(_directory.DirectoryPath));
        Assert.Equal(["ca.crt", "ca.key", "registry.conf"], Directory.GetFileSystemEntries(_directory.DirectoryPath).Select(p => Path.GetFileName(p)!).Order(StringComparer.Ordinal), StringComparer.Ordinal);
        Assert.Equal("registry { }\n", File.ReadAllText(_directory.ConfigurationPath));
    }

    [Fact]
    public void Init_keeps_the_mode_of_a_directory_that_exists()
    {
        Directory.CreateDirectory(_directory.DirectoryPath, (UnixFileMode)0b111_101_101);
        File.SetUnixFileMode(_directory.DirectoryPath, (UnixFileMode)0b111_101_101);
        _directory.Init(Network, Authority, Now);
        Assert.Equal("755", Mode(_directory.DirectoryPath));
    }

    [Theory]
    [InlineData("ca.key")]
    [InlineData("ca.crt")]
    [InlineData("registry.db")]
    [InlineData("registry.conf")]
    public void Init_touches_nothing_that_exists(string name)
    {
        Directory.CreateDirectory(_directory.DirectoryPath);
        string path = Path.Combine(_directory.DirectoryPath, name);
        File.WriteAllText(path, "precious");
        RegistryDirectoryException e = Assert.Throws<RegistryDirectoryException>(() => _directory.Init(Network, Authority, Now));
        Assert.Contains($"{path} exists already", e.Message, StringComparison.Ordinal);
        Assert.Equal("precious", File.ReadAllText(path));
        Assert.Equal([path], Directory.GetFileSystemEntries(_directory.DirectoryPath), StringComparer.Ordinal);
    }

    [Fact]
    public void Init_reports_all_bad_values_at_once_and_makes_nothing()
    {
        var bad = new NewAuthority { CommonName = "", EmailAddress = "nobody", KeySize = 1024, Lifetime = TimeSpan.FromDays(1) };
        Assert.Equal(4, Assert.Throws<RegistryDirectoryException>(() => _directory.Init(Network, bad, Now)).Message.Split('\n').Length);
        Assert.False(Directory.Exists(_directory.DirectoryPath));
    }

    [Fact]
    public void Init_says_why_it_cannot_write()
    {
        File.WriteAllText(Path.Combine(_root, "deep"), "a file where a directory has to be");
        Assert.Contains("cannot be written", Assert.Throws<RegistryDirectoryException>(() => _directory.Init(Network, Authority, Now)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Load_names_the_files_that_are_missing()
    {
        string message = Assert.Throws<RegistryDirectoryException>(() => _directory.Load()).Message;
        Assert.Contains("ca.key and", message, StringComparison.Ordinal);
        Assert.Contains("ca.crt do not exist", message, StringComparison.Ordinal);
        _directory.Init(Network, Authority, Now);
        File.Delete(_directory.CertificatePath);
        Assert.Contains("ca.crt does not exist", Assert.Throws<RegistryDirectoryException>(() => _directory.Load()).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(0b110_100_000)]
    [InlineData(0b110_000_100)]
    [InlineData(0b110_010_000)]
    public void Load_refuses_a_key_that_others_can_use(int mode)
    {
        _directory.Init(Network, Authority, Now);
        File.SetUnixFileMode(_directory.KeyPath, (UnixFileMode)mode);
        Assert.Contains($"chmod 600 {_directory.KeyPath}", Assert.Throws<RegistryDirectoryException>(() => _directory.Load()).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Load_says_when_key_and_certificate_do_not_fit_or_cannot_be_read()
    {
        _directory.Init(Network, Authority, Now);
        string rightKey = File.ReadAllText(_directory.KeyPath);
        using (PrivateKey other = PrivateKey.Generate())
            File.WriteAllText(_directory.KeyPath, other.ToPem());
        Assert.Contains("does not belong to its certificate", Assert.Throws<RegistryDirectoryException>(() => _directory.Load()).Message, StringComparison.Ordinal);
        File.WriteAllText(_directory.KeyPath, "garbage");
        Assert.Contains("not an unencrypted RSA key", Assert.Throws<RegistryDirectoryException>(() => _directory.Load()).Message, StringComparison.Ordinal);
        File.WriteAllText(_directory.KeyPath, rightKey);
        File.WriteAllText(_directory.CertificatePath, new string('x', 70_000));
        Assert.Contains("longer than", Assert.Throws<RegistryDirectoryException>(() => _directory.Load()).Message, StringComparison.Ordinal);
    }

    private static string Mode(string path) => Convert.ToString((int)File.GetUnixFileMode(path), 8);
}
