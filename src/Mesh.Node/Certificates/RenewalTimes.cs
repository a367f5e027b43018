using Mesh.Security.Certificates;

namespace Mesh.Node.Certificates;

/// <summary>When certificates are renewed: in the last 30 days as re6st does it, or in the last third of their life where that is shorter.</summary>
internal static class RenewalTimes
{
    /// <summary>The longest time between two questions.</summary>
    public static readonly TimeSpan MaxDelay = TimeSpan.FromDays(1);

    /// <summary>The shortest time from a failure to the next question.</summary>
    public static readonly TimeSpan MinDelay = TimeSpan.FromMinutes(1);

    private static readonly TimeSpan Period = TimeSpan.FromDays(30);   // re6st: RENEW_PERIOD
    private const int PartOfLife = 3;
    private const int PartOfRest = 10;

    /// <summary>From when on the node's certificate is renewed.</summary>
    public static DateTimeOffset OfNode(NodeCertificate certificate) => Before(certificate.NotBefore, certificate.NotAfter);

    /// <summary>From when on the authority's certificate is fetched anew.</summary>
    public static DateTimeOffset OfAuthority(AuthorityCertificate authority) => Before(authority.NotBefore, authority.NotAfter);

    /// <summary>The longest wait while a certificate ends at <paramref name="notAfter"/>: a tenth of what is left of it. So a registry that comes back is asked in time, however late
    /// that is, and one that stays away is asked about a hundred times in all.</summary>
    public static TimeSpan LongestDelay(DateTimeOffset notAfter, DateTimeOffset now)
    {
        TimeSpan delay = (notAfter - now) / PartOfRest;
        return delay < MinDelay ? MinDelay : delay > MaxDelay ? MaxDelay : delay;
    }

    private static DateTimeOffset Before(DateTimeOffset notBefore, DateTimeOffset notAfter)
    {
        TimeSpan part = (notAfter - notBefore) / PartOfLife;
        return notAfter - (part < Period ? part : Period);
    }
}
