using Mesh.Protocol.Addressing;
using Mesh.Protocol.Registry;
using Mesh.Registry.Events;

namespace Mesh.Registry;

// The network's parameters: published under a signed version that grows whenever they change.
public sealed partial class RegistryActor
{
    private const int BabelKeyLength = 16;

    private static readonly TimeSpan PublishRetry = TimeSpan.FromSeconds(1);

    private bool _isPublishing;

    private NetworkParameters Parameters(NodePrefix registryPrefix) => _options.ToParameters(registryPrefix, _state.Version, _state.Revoked.Keys);

    private RegistryAnswer ParametersFor(NodePrefix prefix)
    {
        if (_state.CertificateOf(prefix) is not { } certificate)
            return new NoCertificate(prefix);
        if (_state.Content is null)
            return Overload();   // the first version is being signed
        byte[]?[] keys = [.. _state.BabelKeys.Where(static slot => slot is not null)];
        return new ParametersGiven(Parameters(_state.RegistryPrefix!.Value), keys.ElementAtOrDefault(0), keys.ElementAtOrDefault(1), certificate.Pem);
    }

    // A network begins with one key ("stable"). Nodes that joined without keys could not follow, so an old journal without keys stays without.
    private void ChooseFirstBabelKey()
    {
        if (_options.BabelAuthentication && _state.Certificates.Count == 0 && _state.BabelKeys.All(static slot => slot is null))
            Record(new BabelKeysChanged(RegistryState.SlotsOf([_authority.RandomBytes(BabelKeyLength), null, null])), static () => { });
    }

    private void PublishIfChanged()
    {
        if (_isPublishing || _state.RegistryPrefix is not { } registryPrefix)
            return;
        string content = Parameters(registryPrefix).VersionedContent();
        if (string.Equals(content, _state.Content, StringComparison.Ordinal))
            return;
        _isPublishing = true;
        var work = new PendingVersion(content);
        ulong number = _state.Version.Number + 1;
        Begin(work, () => _authority.SignVersion(number));
    }

    private void PublishLater()
    {
        _isPublishing = false;
        Context.Timers.StartSingle(PublishingDue.Instance, PublishingDue.Instance, PublishRetry);
    }

    private void Record(PendingVersion work, NetworkVersion version)
    {
        Record(new ParametersPublished([.. version.Blob], work.Content), () =>
        {
            _isPublishing = false;
            Log.Info($"network parameters have version {version.Number}");
            Context.System.EventStream.Publish(new VersionPublished(version));
            PublishIfChanged();
        });
    }

    private sealed class PendingVersion(string content) : PendingWork
    {
        public string Content => content;
    }

    private sealed record PublishingDue
    {
        public static readonly PublishingDue Instance = new();
    }
}
