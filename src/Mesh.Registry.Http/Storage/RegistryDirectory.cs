using System.Runtime.Versioning;
using System.Text;
using Mesh.Protocol.Addressing;
using Mesh.Security.Certificates;
using Mesh.Security.Keys;

namespace Mesh.Registry.Http.Storage;

/// <summary>Where a registry keeps what must not be lost.</summary>
/// <remarks>
/// <code>
/// DIR            700  when it was made here
///   ca.key       600  key of the certificate authority: who has it owns the network
///   ca.crt       644  its certificate
///   registry.db       journal, opened by the caller
///   registry.conf 644 settings
/// </code>
/// Files get their mode before they get content, and their name after it: a crash never leaves half a file, and nobody ever could read the key.
/// </remarks>
[UnsupportedOSPlatform("windows")]
public sealed class RegistryDirectory
{
    private const UnixFileMode Secret = UnixFileMode.UserRead | UnixFileMode.UserWrite;
    private const UnixFileMode Readable = Secret | UnixFileMode.GroupRead | UnixFileMode.OtherRead;
    private const UnixFileMode OwnerOnly = Secret | UnixFileMode.UserExecute;
    private const UnixFileMode ForOthers = (UnixFileMode)0b000_111_111;
    private const int MaxFileLength = 64 * 1024;

    /// <summary>The directory at a path; nothing is looked at yet.</summary>
    public RegistryDirectory(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        DirectoryPath = Path.GetFullPath(path);
    }

    /// <summary>Where it is, absolute.</summary>
    public string DirectoryPath { get; }

    /// <summary>Key of the certificate authority.</summary>
    public string KeyPath => Path.Combine(DirectoryPath, "ca.key");

    /// <summary>Certificate of the certificate authority.</summary>
    public string CertificatePath => Path.Combine(DirectoryPath, "ca.crt");

    /// <summary>The journal.</summary>
    public string JournalPath => Path.Combine(DirectoryPath, "registry.db");

    /// <summary>The settings.</summary>
    public string ConfigurationPath => Path.Combine(DirectoryPath, "registry.conf");

    /// <summary>Makes a new network: key, certificate, settings, in this order. Nothing that exists is touched.</summary>
    /// <param name="network">The addresses of the network.</param>
    /// <param name="authority">What the operator decided.</param>
    /// <param name="now">Begin of the certificate's validity.</param>
    /// <exception cref="RegistryDirectoryException">A value breaks its rule, a file exists already, or the disk refuses.</exception>
    public void Init(NetworkPrefix network, NewAuthority authority, DateTimeOffset now)
    {
        ArgumentNullException.ThrowIfNull(authority);
        ThrowIfAny([.. authority.Validate(), .. ExistingFiles()]);
        using PrivateKey key = PrivateKey.Generate(authority.KeySize);
        var begin = DateTimeOffset.FromUnixTimeSeconds(now.ToUnixTimeSeconds());
        using CertificateAuthority made = CertificateAuthority.Create(network, key, authority.CommonName, authority.EmailAddress, begin, begin + authority.Lifetime);
        try
        {
            MakeDirectory();
            Write(KeyPath, key.ToPem(), Secret);
            Write(CertificatePath, made.Certificate.ToPem(), Readable);
            Write(ConfigurationPath, authority.Configuration, Readable);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new RegistryDirectoryException($"{DirectoryPath} cannot be written: {e.Message}", e);
        }
    }

    /// <summary>Makes the directory for a network that there is already. The key comes last, so that a directory with a key is complete. Nothing that exists is touched.</summary>
    /// <param name="authority">Certificate and key of the network.</param>
    /// <param name="configuration">Text of the settings.</param>
    /// <param name="fillJournal">Makes the journal at <see cref="JournalPath"/>.</param>
    /// <exception cref="RegistryDirectoryException">A file exists already, or the disk refuses; what was made is removed again.</exception>
    public void Adopt(CertificateAuthority authority, string configuration, Action fillJournal)
    {
        ArgumentNullException.ThrowIfNull(authority);
        ArgumentNullException.ThrowIfNull(fillJournal);
        ThrowIfOccupied();
        try
        {
            MakeDirectory();
            fillJournal();
            Write(ConfigurationPath, configuration, Readable);
            Write(CertificatePath, authority.Certificate.ToPem(), Readable);
            Write(KeyPath, authority.Key.ToPem(), Secret);
        }
        catch (Exception e)
        {
            foreach (string path in (string[])[JournalPath, $"{JournalPath}-wal", $"{JournalPath}-shm", $"{JournalPath}.lock", ConfigurationPath, CertificatePath])
                File.Delete(path);
            if (e is IOException or UnauthorizedAccessException)
                throw new RegistryDirectoryException($"{DirectoryPath} cannot be written: {e.Message}", e);
            throw;
        }
    }

    /// <summary>Looks whether a registry could be made here.</summary>
    /// <exception cref="RegistryDirectoryException">A file exists already, and nothing is overwritten; the message has all of them.</exception>
    public void ThrowIfOccupied() => ThrowIfAny([.. ExistingFiles()]);

    /// <summary>Gives the authority a certificate with the same key, network and name and another validity. The present one is kept beside it, with the date of its end in its name.</summary>
    /// <param name="notBefore">First instant of validity.</param>
    /// <param name="notAfter">Last instant of validity; later than now's.</param>
    /// <returns>Where the present certificate is kept.</returns>
    /// <remarks>Nodes take it in the last month of the one that they have, and only because it is for the same key.</remarks>
    /// <exception cref="RegistryDirectoryException">The directory is not that of a registry, the new validity does not end later, or the disk refuses.</exception>
    public string RenewAuthority(DateTimeOffset notBefore, DateTimeOffset notAfter)
    {
        using CertificateAuthority present = Load();
        AuthorityCertificate certificate = present.Certificate;
        if (notAfter <= certificate.NotAfter)
            throw new RegistryDirectoryException($"{CertificatePath} is valid until {certificate.NotAfter:u}; the new certificate has to end later than that, not at {notAfter:u}");
        string kept = $"{CertificatePath}.{certificate.NotAfter:yyyy-MM-dd}", text = Read(CertificatePath);
        // The same one is there where an earlier attempt was interrupted.
        bool isKept = File.Exists(kept);
        if (isKept && Read(kept) != text)
            throw new RegistryDirectoryException($"{kept} exists already, and nothing is overwritten; move it away");
        AuthorityCertificate renewed = present.Renew(notBefore, notAfter);
        try
        {
            if (!isKept)
                Write(kept, text, Readable);
            Write(CertificatePath, renewed.ToPem(), Readable, isReplacing: true);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new RegistryDirectoryException($"{DirectoryPath} cannot be written: {e.Message}", e);
        }

        return kept;
    }

    /// <summary>Loads the certificate authority.</summary>
    /// <returns>Certificate and key; the caller disposes it.</returns>
    /// <exception cref="RegistryDirectoryException">A file is missing, readable by others, unreadable, or key and certificate do not belong together.</exception>
    public CertificateAuthority Load()
    {
        string[] missing = [.. new[] { KeyPath, CertificatePath }.Where(static path => !File.Exists(path))];
        if (missing.Length > 0)
            throw new RegistryDirectoryException($"{DirectoryPath} is not the directory of a registry: {string.Join(" and ", missing)} {(missing.Length == 1 ? "does" : "do")} not exist; make a network first");
        UnixFileMode mode = File.GetUnixFileMode(KeyPath);
        if ((mode & ForOthers) != UnixFileMode.None)
            throw new RegistryDirectoryException($"{KeyPath} has mode {Convert.ToString((int)mode, 8)}, so others can use the key of the network; it has to be 600: chmod 600 {KeyPath}");
        if (CertificateAuthority.TryLoad(Read(CertificatePath), Read(KeyPath), out CertificateAuthority? authority, out string? problem))
            return authority;
        throw new RegistryDirectoryException($"{CertificatePath} and {KeyPath}: {problem}");
    }

    private void MakeDirectory()
    {
        if (!Directory.Exists(DirectoryPath))
            _ = Directory.CreateDirectory(DirectoryPath, OwnerOnly);
    }

    private IEnumerable<string> ExistingFiles() =>
        new[] { KeyPath, CertificatePath, JournalPath, ConfigurationPath }.Where(File.Exists)
            .Select(static path => $"{path} exists already, and nothing is overwritten; choose another directory, or move the file away if no network needs it any more");

    private static void ThrowIfAny(string[] problems)
    {
        if (problems.Length > 0)
            throw new RegistryDirectoryException(string.Join('\n', problems));
    }

    private static string Read(string path)
    {
        try
        {
            if (new FileInfo(path).Length > MaxFileLength)
                throw new RegistryDirectoryException($"{path} is longer than {MaxFileLength} octets, so it is no key or certificate");
            return File.ReadAllText(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new RegistryDirectoryException($"{path} cannot be read: {e.Message}", e);
        }
    }

    private static void Write(string path, string text, UnixFileMode mode, bool isReplacing = false)
    {
        string temporary = $"{path}.{Environment.ProcessId}.tmp";
        File.Delete(temporary);   // of an earlier process with this number, which was killed
        try
        {
            // The mode counts from the moment the file exists; the umask can only take bits away.
            var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write, Share = FileShare.None, UnixCreateMode = mode };
            using (var file = new FileStream(temporary, options))
            {
                file.Write(Encoding.UTF8.GetBytes(text));
                file.Flush(flushToDisk: true);
            }

            File.SetUnixFileMode(temporary, mode);
            File.Move(temporary, path, overwrite: isReplacing);
        }
        catch
        {
            File.Delete(temporary);
            throw;
        }
    }
}
