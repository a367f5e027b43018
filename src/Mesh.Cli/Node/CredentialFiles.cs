using Mesh.Actors;
using Mesh.Cli.Files;
using Mesh.Node;
using Mesh.Node.Ports;

namespace Mesh.Cli.Node;

/// <summary>The node's certificate and the authority's, in the node's directory.</summary>
/// <param name="directory">Where the files are.</param>
/// <param name="stored">Told who the node is from now on, before the actor is.</param>
internal sealed class CredentialFiles(NodeDirectory directory, Action<NodeIdentity> stored) : ICredentialPort
{
    private readonly Lock _gate = new();

    /// <inheritdoc/>
    public void Store(object tag, NodeIdentity identity, ActorRef replyTo)
    {
        ArgumentNullException.ThrowIfNull(identity);
        ArgumentNullException.ThrowIfNull(replyTo);
        _ = Task.Run(() => replyTo.Tell(Write(tag, identity), sender: null));
    }

    private object Write(object tag, NodeIdentity identity)
    {
        try
        {
            lock (_gate)
            {
                // The authority first: the old certificate is good under the new one, too, since the key is the same.
                DurableFile.Replace(directory.AuthorityPath, identity.Verifier.Authority.ToPem(), FileModes.Readable);
                DurableFile.Replace(directory.CertificatePath, identity.Certificate.ToPem(), FileModes.Readable);
                stored(identity);
            }

            return new CredentialsStored(tag);
        }
        catch (Exception e)
        {
            // Whatever it was, the actor waits for an outcome.
            return new CredentialsNotStored(tag, e.Message);
        }
    }
}
