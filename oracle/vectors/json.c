#include "oracle/vectors/json.h"

#include <stdlib.h>
#include <string.h>

static char* skip_space(char* at) { return at + strspn(at, " \t\r\n"); }

/* Reads the string at the quote `*at`, in place; null if it does not end. Of
 * \uXXXX the low byte is taken: vectors escape nothing else. */
static char* read_string(char** at) {
  char* const start = *at + 1;
  char* to = start;
  char* from = start;
  while (*from != '"') {
    if (*from == '\0') return NULL;
    if (*from != '\\') {
      *to++ = *from++;
      continue;
    }
    if (from[1] == 'u' && strlen(from) >= 6) {
      char digits[3] = {from[4], from[5], '\0'};
      *to++ = (char)strtoul(digits, NULL, 16);
      from += 6;
    } else if (from[1] != '\0') {
      *to++ = from[1] == 'n' ? '\n' : from[1];
      from += 2;
    } else {
      return NULL;
    }
  }
  *at = from + 1;
  *to = '\0';
  return start;
}

static struct json* read_value(char** at);

/* Reads the members or elements up to `close` into `parent`. */
static int read_children(char** at, char close, struct json* parent) {
  struct json** next = &parent->child;
  *at = skip_space(*at + 1);
  if (**at == close) {
    ++*at;
    return 1;
  }
  for (;;) {
    char* key = NULL;
    *at = skip_space(*at);
    if (close == '}') {
      if (**at != '"') return 0;
      key = read_string(at);
      if (key == NULL) return 0;
      *at = skip_space(*at);
      if (*(*at)++ != ':') return 0;
    }
    *next = read_value(at);
    if (*next == NULL) return 0;
    (*next)->key = key;
    next = &(*next)->next;
    *at = skip_space(*at);
    if (**at != ',' && **at != close) return 0;
    if (*(*at)++ == close) return 1;
  }
}

static struct json* read_value(char** at) {
  struct json* value = calloc(1, sizeof *value);
  size_t length;
  if (value == NULL) return NULL;
  *at = skip_space(*at);
  if (**at == '{' || **at == '[') {
    const char close = **at == '{' ? '}' : ']';
    value->type = close == '}' ? JSON_OBJECT : JSON_ARRAY;
    return read_children(at, close, value) ? value : NULL;
  }
  if (**at == '"') {
    value->type = JSON_STRING;
    value->text = read_string(at);
    return value->text != NULL ? value : NULL;
  }
  length = strcspn(*at, ",]} \t\r\n");
  if (length == 0) return NULL;
  value->text = calloc(length + 1, 1);
  if (value->text == NULL) return NULL;
  memcpy(value->text, *at, length);
  *at += length;
  return value;
}

struct json* json_read(char* text) {
  struct json* value = read_value(&text);
  return value != NULL && *skip_space(text) == '\0' ? value : NULL;
}

const struct json* json_member(const struct json* object, const char* key) {
  const struct json* member = object != NULL ? object->child : NULL;
  while (member != NULL &&
         (member->key == NULL || strcmp(member->key, key) != 0)) {
    member = member->next;
  }
  return member;
}

const char* json_text(const struct json* object, const char* key) {
  const struct json* member = json_member(object, key);
  return member != NULL && member->text != NULL ? member->text : "";
}

uint64_t json_number(const struct json* object, const char* key) {
  return strtoull(json_text(object, key), NULL, 0);
}

int json_true(const struct json* object, const char* key) {
  return strcmp(json_text(object, key), "true") == 0;
}

unsigned place_in(const char* const* names, const char* name) {
  unsigned i = 0;
  while (names[i] != NULL && strcmp(names[i], name) != 0) ++i;
  return i;
}
