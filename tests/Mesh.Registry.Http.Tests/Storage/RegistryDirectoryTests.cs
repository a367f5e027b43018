using System.Runtime.Versioning;
using System.Security.Cryptography.X509Certificates;
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

    [Fact]
    public void Adopt_makes_everything_and_the_key_last()
    {
        using CertificateAuthority authority = MakeAuthority();
        string[] before = [];
        _directory.Adopt(authority, "registry { hello = 20 s }\n", () =>
        {
            before = Directory.GetFileSystemEntries(_directory.DirectoryPath);
            File.WriteAllText(_directory.JournalPath, "journal");
        });
        Assert.Empty(before);   // a directory with a key is complete
        Assert.Equal(
            ("700", "600", "644", "644"), (Mode(_directory.DirectoryPath), Mode(_directory.KeyPath), Mode(_directory.CertificatePath), Mode(_directory.ConfigurationPath)));
        Assert.Equal(["ca.crt", "ca.key", "registry.conf", "registry.db"], Entries(), StringComparer.Ordinal);
        Assert.Equal("registry { hello = 20 s }\n", File.ReadAllText(_directory.ConfigurationPath));
        using CertificateAuthority loaded = _directory.Load();
        Assert.Equal(authority.Certificate.ToPem(), loaded.Certificate.ToPem());
    }

    [Fact]
    public void Adopt_removes_what_it_has_made_when_the_journal_cannot_be_filled()
    {
        using CertificateAuthority authority = MakeAuthority();
        foreach (Exception cause in (Exception[])[new IOException("disk full"), new OperationCanceledException()])
        {
            Exception e = Assert.ThrowsAny<Exception>(() => _directory.Adopt(authority, "", () =>
            {
                foreach (string suffix in (string[])["", "-wal", "-shm", ".lock"])
                    File.WriteAllText(_directory.JournalPath + suffix, "half of it");
                throw cause;
            }));
            Assert.True(cause is IOException ? e is RegistryDirectoryException : e == cause);
            Assert.Empty(Entries());
        }

        _ = Assert.Throws<RegistryDirectoryException>(_directory.Load);
    }

    [Fact]
    public void Adopt_leaves_no_key_where_a_later_file_cannot_be_written()
    {
        using CertificateAuthority authority = MakeAuthority();
        // While the journal was made, somebody put a directory where the certificate has to be.
        _ = Assert.ThrowsAny<Exception>(() => _directory.Adopt(authority, "", () => Directory.CreateDirectory(_directory.CertificatePath)));
        Assert.Equal(["ca.crt"], Entries(), StringComparer.Ordinal);
    }

    [Theory]
    [InlineData("ca.key")]
    [InlineData("ca.crt")]
    [InlineData("registry.db")]
    [InlineData("registry.conf")]
    public void Adopt_touches_nothing_that_exists(string name)
    {
        using CertificateAuthority authority = MakeAuthority();
        Directory.CreateDirectory(_directory.DirectoryPath);
        string path = Path.Combine(_directory.DirectoryPath, name);
        File.WriteAllText(path, "precious");
        RegistryDirectoryException e = Assert.Throws<RegistryDirectoryException>(() => _directory.Adopt(authority, "", () => Assert.Fail("nothing is to be made")));
        Assert.Contains($"{path} exists already", e.Message, StringComparison.Ordinal);
        Assert.Equal(("precious", name), (File.ReadAllText(path), Assert.Single(Entries())));
    }

    [Fact]
    public void A_renewed_authority_has_the_same_name_network_and_key_and_the_old_certificate_is_kept()
    {
        _directory.Init(Network, Authority, Now);
        string old = File.ReadAllText(_directory.CertificatePath), key = File.ReadAllText(_directory.KeyPath);
        string kept = _directory.RenewAuthority(Now.AddYears(1), Now.AddYears(30));
        Assert.Equal(($"{_directory.CertificatePath}.{Now.AddDays(20 * 365):yyyy-MM-dd}", old, "644"), (kept, File.ReadAllText(kept), Mode(kept)));
        Assert.Equal((key, "644", "600"), (File.ReadAllText(_directory.KeyPath), Mode(_directory.CertificatePath), Mode(_directory.KeyPath)));
        Assert.Equal(["ca.crt", Path.GetFileName(kept), "ca.key", "registry.conf"], Entries(), StringComparer.Ordinal);
        using CertificateAuthority renewed = _directory.Load();
        Assert.Equal((Network, "re6st@example.com", Now.AddYears(1), Now.AddYears(30)), (renewed.Certificate.Network, renewed.Certificate.EmailAddress, renewed.Certificate.NotBefore, renewed.Certificate.NotAfter));
        using X509Certificate2 before = X509Certificate2.CreateFromPem(old), after = X509Certificate2.CreateFromPem(renewed.Certificate.ToPem());
        Assert.Equal(before.SubjectName.RawData, after.SubjectName.RawData);
        Assert.Equal(before.IssuerName.RawData, after.IssuerName.RawData);
        Assert.Equal(before.SerialNumber, after.SerialNumber);
        Assert.Equal(before.PublicKey.ExportSubjectPublicKeyInfo(), after.PublicKey.ExportSubjectPublicKeyInfo());
    }

    [Fact]
    public void A_renewal_that_was_interrupted_leaves_the_old_authority_and_can_be_repeated()
    {
        _directory.Init(Network, Authority, Now);
        string old = File.ReadAllText(_directory.CertificatePath);
        string kept = $"{_directory.CertificatePath}.{Now.AddDays(20 * 365):yyyy-MM-dd}";
        File.Copy(_directory.CertificatePath, kept);
        File.WriteAllText($"{_directory.CertificatePath}.{Environment.ProcessId}.tmp", old[..100]);   // of a process of the same number
        using (CertificateAuthority loaded = _directory.Load())
            Assert.Equal(old, loaded.Certificate.ToPem());
        Assert.Equal(kept, _directory.RenewAuthority(Now, Now.AddYears(30)));
        Assert.Equal(old, File.ReadAllText(kept));
        Assert.Equal(["ca.crt", Path.GetFileName(kept), "ca.key", "registry.conf"], Entries(), StringComparer.Ordinal);
    }

    [Fact]
    public void A_renewal_ends_later_and_overwrites_nothing()
    {
        _directory.Init(Network, Authority, Now);
        string old = File.ReadAllText(_directory.CertificatePath);
        DateTimeOffset end = Now.AddDays(20 * 365);
        Assert.Contains("has to end later than that", Assert.Throws<RegistryDirectoryException>(() => _directory.RenewAuthority(Now, end)).Message, StringComparison.Ordinal);
        string kept = $"{_directory.CertificatePath}.{end:yyyy-MM-dd}";
        File.WriteAllText(kept, "precious");
        Assert.Contains($"{kept} exists already", Assert.Throws<RegistryDirectoryException>(() => _directory.RenewAuthority(Now, end.AddSeconds(1))).Message, StringComparison.Ordinal);
        Assert.Equal(("precious", old), (File.ReadAllText(kept), File.ReadAllText(_directory.CertificatePath)));
        File.Delete(_directory.KeyPath);
        Assert.Contains("is not the directory of a registry", Assert.Throws<RegistryDirectoryException>(() => _directory.RenewAuthority(Now, end.AddSeconds(1))).Message, StringComparison.Ordinal);
    }

    private static CertificateAuthority MakeAuthority() => CertificateAuthority.Create(Network, PrivateKey.Generate(), "adopted", "re6st@example.com", Now, Now.AddYears(10));

    private string[] Entries() => [.. Directory.GetFileSystemEntries(_directory.DirectoryPath).Select(static path => Path.GetFileName(path)!).Order(StringComparer.Ordinal)];

    private static string Mode(string path) => Convert.ToString((int)File.GetUnixFileMode(path), 8);
}
