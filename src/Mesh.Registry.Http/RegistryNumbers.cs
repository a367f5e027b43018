using Mesh.Registry.Bootstrap;
using Mesh.Registry.Calls;
using Mesh.Registry.LocalNode;
using Mesh.Registry.Mail;
using Mesh.Registry.Parameters;
using Mesh.Registry.Sessions;

namespace Mesh.Registry.Http;

/// <summary>What the registry's actors say about themselves, for the metrics.</summary>
/// <param name="Registry">Tokens and certificates.</param>
/// <param name="Published">The parameters.</param>
/// <param name="Sessions">Sessions with nodes.</param>
/// <param name="Advertisers">Nodes that advertise addresses.</param>
/// <param name="Health">The front desk.</param>
/// <param name="LocalNode">The node on the same machine, or null where there is none.</param>
/// <param name="Mail">Mails, or null where none are sent.</param>
internal sealed record RegistryNumbers(
    RegistryStatistics Registry,
    PublishedParameters Published,
    SessionCount Sessions,
    AdvertiserCount Advertisers,
    Health Health,
    LocalNodeStatistics? LocalNode,
    MailStatistics? Mail);
