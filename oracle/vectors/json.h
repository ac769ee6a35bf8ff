/* Reads JSON into a tree: as much as test vectors need. */
#ifndef EPTDIFF_VECTORS_JSON_H_
#define EPTDIFF_VECTORS_JSON_H_

#include <stdint.h>

enum json_type { JSON_OTHER, JSON_STRING, JSON_OBJECT, JSON_ARRAY };

struct json {
  enum json_type type; /* numbers, true, false and null are JSON_OTHER */
  char* key;           /* of a member of an object; else null */
  char* text;          /* of a string, without quotes, or as it stands there */
  struct json* child;  /* the first member or element */
  struct json* next;   /* the next one beside it */
};

/* Reads `text`, which is changed and must stay. Null if it is no JSON, or
 * there is no memory. Nothing is ever freed. */
struct json* json_read(char* text);

/* The member of this name; null if there is none, or `object` is null. */
const struct json* json_member(const struct json* object, const char* key);

/* The value of a member: "0x9234" or 12, and whether it is true; 0 if there is
 * no such member. */
uint64_t json_number(const struct json* object, const char* key);
int json_true(const struct json* object, const char* key);
/* The text of a string member; "" if there is none. */
const char* json_text(const struct json* object, const char* key);

/* Where `name` is among names that end with a null pointer; behind them if it
 * is none. */
unsigned place_in(const char* const* names, const char* name);

#endif /* EPTDIFF_VECTORS_JSON_H_ */
