using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization.Metadata;

namespace Mesh.Actors.Persistence;

/// <summary>The types that a journal may hold: a stored name and version for each, so that classes can be renamed and can grow.</summary>
/// <remarks>Payloads are UTF-8 JSON. A payload of an older version goes through the upcasters of the versions in between before it is read.</remarks>
public sealed class EventSchema
{
    private readonly Dictionary<Type, Entry> _byType = [];
    private readonly Dictionary<string, Entry> _byName = new(StringComparer.Ordinal);

    /// <summary>Declares a type.</summary>
    /// <param name="name">Its stored name, for example <c>registry.token-added</c>. Never change it.</param>
    /// <param name="version">Version of its present shape, from 1.</param>
    /// <param name="typeInfo">How to read and write it, from a source-generated context; null uses reflection.</param>
    /// <exception cref="ArgumentException">The name or the type is declared already.</exception>
    public EventSchema Add<T>(string name, int version = 1, JsonTypeInfo<T>? typeInfo = null)
        where T : class
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        ArgumentOutOfRangeException.ThrowIfLessThan(version, 1);
        var entry = new Entry(
            name,
            version,
            value => typeInfo is null ? JsonSerializer.SerializeToUtf8Bytes((T)value) : JsonSerializer.SerializeToUtf8Bytes((T)value, typeInfo),
            payload => typeInfo is null ? JsonSerializer.Deserialize<T>(payload.Span) : JsonSerializer.Deserialize(payload.Span, typeInfo));
        _byType.Add(typeof(T), entry);
        _byName.Add(name, entry);
        return this;
    }

    /// <summary>Declares how a payload of version <paramref name="fromVersion"/> becomes one of the next version.</summary>
    /// <exception cref="ArgumentException">The name is not declared, or has no such older version.</exception>
    public EventSchema Upcast(string name, int fromVersion, Func<JsonNode, JsonNode> upcaster)
    {
        if (!_byName.TryGetValue(name, out Entry? entry) || fromVersion < 1 || fromVersion >= entry.Version)
            throw new ArgumentException($"'{name}' has no version {fromVersion} to upcast from", nameof(name));
        entry.Upcasters.Add(fromVersion, upcaster);
        return this;
    }

    /// <summary>Turns an object into what is stored.</summary>
    /// <exception cref="JournalException">The type is not declared.</exception>
    public (string Name, int Version, byte[] Payload) Serialize(object value)
    {
        ArgumentNullException.ThrowIfNull(value);
        if (!_byType.TryGetValue(value.GetType(), out Entry? entry))
            throw new JournalException(JournalFailure.UnknownEvent, $"{value.GetType()} is not declared in the event schema, so it cannot be stored");
        return (entry.Name, entry.Version, entry.Write(value));
    }

    /// <summary>Turns what is stored back into an object.</summary>
    /// <exception cref="JournalException">Name or version is unknown, or the payload does not fit. The message says which, and what is known.</exception>
    public object Deserialize(string name, int version, ReadOnlyMemory<byte> payload)
    {
        if (!_byName.TryGetValue(name, out Entry? entry))
            throw new JournalException(JournalFailure.UnknownEvent, $"event type '{name}' is unknown to this program");
        if (version > entry.Version || version < 1)
            throw new JournalException(JournalFailure.UnknownEvent, $"event type '{name}' has version {version}, this program knows versions up to {entry.Version}; was the journal written by a newer program?");
        try
        {
            return entry.Read(version == entry.Version ? payload : Upcast(entry, version, payload))
                ?? throw new JournalException(JournalFailure.UnknownEvent, $"event of type '{name}' version {version} is null");
        }
        catch (Exception e) when (e is not JournalException)   // also whatever an upcaster makes of a payload that it did not expect
        {
            throw new JournalException(JournalFailure.UnknownEvent, $"event of type '{name}' version {version} cannot be read: {e.Message}", e);
        }
    }

    private static ReadOnlyMemory<byte> Upcast(Entry entry, int version, ReadOnlyMemory<byte> payload)
    {
        JsonNode node = JsonNode.Parse(payload.Span)!;
        for (; version < entry.Version; version++)
        {
            if (!entry.Upcasters.TryGetValue(version, out Func<JsonNode, JsonNode>? upcaster))
                throw new JournalException(JournalFailure.UnknownEvent, $"event type '{entry.Name}' has version {version} in the journal, and nothing turns it into version {version + 1}");
            node = upcaster(node);
        }

        return JsonSerializer.SerializeToUtf8Bytes(node);
    }

    private sealed record Entry(string Name, int Version, Func<object, byte[]> Write, Func<ReadOnlyMemory<byte>, object?> Read)
    {
        public Dictionary<int, Func<JsonNode, JsonNode>> Upcasters { get; } = [];
    }
}
