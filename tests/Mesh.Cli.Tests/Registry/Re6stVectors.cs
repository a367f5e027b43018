using System.Text.Json;
using Mesh.Protocol.Addressing;
using Mesh.Registry.Http.Tests.Re6st;
using Mesh.Security.Certificates;
using Mesh.Security.Keys;

namespace Mesh.Cli.Tests.Registry;

/// <summary>The network of the test vectors, as its operator has it: a database, the authority's certificate and key.</summary>
internal sealed class Re6stVectors : IDisposable
{
    private static readonly JsonElement Nodes = Load();

    private readonly TempFolder _folder;

    private Re6stVectors(TempFolder folder, Re6stDatabaseFile database)
    {
        (_folder, Database) = (folder, database);
        _ = folder.Write("vectors-ca.crt", Re6stDatabaseFile.AuthorityPem);
        _ = folder.Write("vectors-ca.key", Re6stDatabaseFile.AuthorityKeyPem);
    }

    public static AuthorityCertificate Authority => Re6stDatabaseFile.Authority;

    public Re6stDatabaseFile Database { get; }

    /// <summary>Arguments of <c>mesh</c> that take the network over.</summary>
    public string[] Import(params string[] more) => ImportWith(_folder["vectors-ca.crt"], _folder["vectors-ca.key"], more);

    /// <summary>The same with another authority.</summary>
    public string[] ImportWith(string certificate, string key, params string[] more) =>
        ["registry", "import", "--re6st", Database.Path, "--ca", certificate, "--key", key, "--dir", _folder["registry"], .. more];

    public static Re6stVectors In(TempFolder folder) => new(folder, Re6stDatabaseFile.Used());

    public static PrivateKey KeyOf(string node)
    {
        Assert.True(PrivateKey.TryFromPem(Nodes.GetProperty(node).GetProperty("key").GetString(), out PrivateKey? key));
        return key;
    }

    /// <summary>Adds the certificate of a node to the database, made by the vectors' authority.</summary>
    public NodeCertificate AddNode(PrivateKey key, NodePrefix prefix, uint? subjectSerial, ulong serial, DateTimeOffset notAfter)
    {
        Assert.True(CertificateAuthority.TryLoad(Re6stDatabaseFile.AuthorityPem, Re6stDatabaseFile.AuthorityKeyPem, out CertificateAuthority? authority, out _));
        using (authority)
        {
            var builder = new CertificateRequestBuilder();
            Assert.True(builder.TryAdd("O", "an old node"));
            var identity = new IssuedIdentity(prefix, subjectSerial, serial, notAfter.AddDays(-365), notAfter);
            Assert.Equal(RequestProblem.None, authority.TryIssue(builder.ToPem(key), identity, out NodeCertificate? certificate));
            Database.Execute("INSERT INTO cert VALUES ($prefix, 'old@example.com', $pem)", ("$prefix", prefix.Bits), ("$pem", certificate!.ToPem()));
            Database.Set("serial", (long)serial);
            return certificate;
        }
    }

    public void Dispose() => Database.Dispose();

    private static JsonElement Load()
    {
        using JsonDocument document = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(AppContext.BaseDirectory, "vectors", "identities.json")));
        return document.RootElement.GetProperty("nodes").Clone();
    }
}
