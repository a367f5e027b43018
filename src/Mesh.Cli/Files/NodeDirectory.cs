using Mesh.Cli.Shell;
using Mesh.Node;
using Mesh.Security.Certificates;
using Mesh.Security.Keys;

namespace Mesh.Cli.Files;

/// <summary>Where a node keeps what makes it a node.</summary>
/// <remarks>
/// <code>
/// DIR             700  when it was made here
///   node.key      600  its private key; never replaced
///   node.crt      644  its certificate
///   ca.crt        644  certificate of the network's authority
///   node.conf     644  configuration; joining writes the registry's URL into a new one
///   node.db       600  journal
///   control.sock  600  where a running node is asked
///   openvpn       700  sockets and numbers of the OpenVPN processes that run
///   forwarding.json 644 what the kernel's settings were before a node with OpenVPN changed them
/// </code>
/// </remarks>
internal sealed class NodeDirectory(string path)
{
    private const int MaxFileLength = 64 * 1024;

    public string DirectoryPath { get; } = Path.GetFullPath(path);

    public string KeyPath => Path.Combine(DirectoryPath, "node.key");

    public string CertificatePath => Path.Combine(DirectoryPath, "node.crt");

    public string AuthorityPath => Path.Combine(DirectoryPath, "ca.crt");

    public string ConfigurationPath => Path.Combine(DirectoryPath, "node.conf");

    public string JournalPath => Path.Combine(DirectoryPath, "node.db");

    public string OpenVpnPath => Path.Combine(DirectoryPath, "openvpn");

    public string ForwardingPath => Path.Combine(DirectoryPath, "forwarding.json");

    public string ControlPath => Path.Combine(DirectoryPath, "control.sock");

    /// <summary>Loads the key, where there is one.</summary>
    /// <exception cref="CommandFailedException">There is something else in its place, or others can read it.</exception>
    public PrivateKey? LoadKey()
    {
        const UnixFileMode ForOthers = (UnixFileMode)0b000_111_111;
        if (!File.Exists(KeyPath))
            return null;
        if ((File.GetUnixFileMode(KeyPath) & ForOthers) != UnixFileMode.None)
            throw CommandFailedException.Usage($"{KeyPath} can be used by others: it has to have mode 600; chmod 600 {KeyPath}");
        return PrivateKey.TryFromPem(ReadText(KeyPath), out PrivateKey? key)
            ? key
            : throw CommandFailedException.Usage($"{KeyPath} is not an unencrypted RSA key in PEM; move it away to have a new one made");
    }

    /// <summary>Loads the authority's certificate, where there is one.</summary>
    public AuthorityCertificate? LoadAuthority() => File.Exists(AuthorityPath) ? ReadAuthority(AuthorityPath) : null;

    /// <summary>Loads who the node is.</summary>
    /// <exception cref="CommandFailedException">Something is missing or does not fit: the sentence says what.</exception>
    public NodeIdentity LoadIdentity(DateTimeOffset now)
    {
        string[] missing = [.. new[] { KeyPath, CertificatePath, AuthorityPath }.Where(static file => !File.Exists(file)).Select(static file => Path.GetFileName(file)!)];
        if (missing.Length > 0)
            throw CommandFailedException.Usage($"{DirectoryPath} has no {string.Join(" and no ", missing)}: this machine has not joined a network yet; mesh join --help says how");
        if (!NodeCertificate.TryParsePem(ReadText(CertificatePath), out NodeCertificate? certificate))
            throw CommandFailedException.Usage($"{CertificatePath} is not the certificate of a node");
        try
        {
            return new NodeIdentity(new CertificateVerifier(ReadAuthority(AuthorityPath)), certificate, LoadKey()!, now);
        }
        catch (ArgumentException e)
        {
            throw CommandFailedException.Failed($"{DirectoryPath}: {e.Message}", e);
        }
    }

    /// <summary>Reads the certificate of an authority.</summary>
    public static AuthorityCertificate ReadAuthority(string file) => AuthorityCertificate.TryParsePem(ReadText(file), out AuthorityCertificate? authority)
        ? authority
        : throw CommandFailedException.Usage($"{file} is not the certificate of a network's authority");

    private static string ReadText(string file)
    {
        var info = new FileInfo(file);
        if (!info.Exists)
            throw CommandFailedException.Usage($"{file} does not exist");
        return info.Length <= MaxFileLength ? File.ReadAllText(file) : throw CommandFailedException.Usage($"{file} is longer than {MaxFileLength} octets, so it is no key or certificate");
    }
}
